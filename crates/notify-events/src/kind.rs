//! What a kind of events is, as static data, and the list of all kinds.

use notify_core::{Content, Severity, check_field};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::check::check;
use crate::emission::{Emission, Rules};
use crate::error::{DataFault, EventError};
use crate::event::{Circumstances, Event};
use crate::{FENCING, PACKAGE_UPDATES, REPLICATION, SYSTEM_MAIL, TEST, VZDUMP};

/// A kind of events: all that commands, forms and pages need to know of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventKind {
    /// The value of the field `type`, and the name of the template.
    pub name: &'static str,
    /// A few words.
    pub title: &'static str,
    /// When it is sent, in full sentences.
    pub doc: &'static str,
    /// The severities that it may have, the usual one first.
    pub severities: &'static [Severity],
    /// The fields that matchers can look at, `type` first.
    pub fields: &'static [FieldDoc],
    pub(crate) data: Option<DataKind>,
}

/// A field that the events of a kind have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldDoc {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub doc: &'static str,
    /// Whether every event of the kind has it.
    pub always: bool,
}

impl FieldDoc {
    pub(crate) const TYPE: FieldDoc = FieldDoc::always("type", "The kind of the event.");
    pub(crate) const HOSTNAME: FieldDoc =
        FieldDoc::always("hostname", "The host that sends, without its domain.");

    pub(crate) const fn always(name: &'static str, doc: &'static str) -> Self {
        FieldDoc {
            name,
            doc,
            always: true,
        }
    }

    pub(crate) const fn sometimes(name: &'static str, doc: &'static str) -> Self {
        FieldDoc {
            name,
            doc,
            always: false,
        }
    }
}

type Emitting = fn(Value, &Circumstances<'_>, &Rules<'_>) -> Result<Emission, EventError>;

/// What the data of a kind are: their form, an example, and how an event comes of them.
#[derive(Debug)]
pub(crate) struct DataKind {
    pub(crate) example: &'static str,
    pub(crate) schema: fn() -> Value,
    pub(crate) event: fn(Value, &Circumstances<'_>) -> Result<Event, EventError>,
    pub(crate) switched_off: fn(&Rules<'_>) -> Option<&'static str>,
    pub(crate) emission: Emitting,
}

/// The typed data of a kind.
pub trait EventData: Clone + Serialize + DeserializeOwned + JsonSchema {
    /// The kind that they are of.
    const KIND: &'static EventKind;

    /// The event that they make.
    ///
    /// What was left out is worked out or taken from the circumstances.
    fn event(&self, circumstances: &Circumstances<'_>) -> Event;

    /// Why no event of this kind is sent at all, whatever its data are; none when it may be.
    fn switched_off(rules: &Rules<'_>) -> Option<&'static str> {
        let _ = rules;
        None
    }

    /// The event, or why none is sent, by the rules of the kind.
    ///
    /// It is not asked of a kind that is switched off.
    ///
    /// # Errors
    /// [`EventErrorKind::State`](crate::EventErrorKind::State) when a rule
    /// remembers something, and that cannot be read.
    fn emission(
        &self,
        circumstances: &Circumstances<'_>,
        rules: &Rules<'_>,
    ) -> Result<Emission, EventError> {
        let _ = rules;
        Ok(Emission::sent(self.event(circumstances)))
    }

    /// Data read from JSON.
    ///
    /// Keys that the kind does not know are kept; a value of a wrong type is a fault.
    ///
    /// # Errors
    /// [`EventErrorKind::Data`](crate::EventErrorKind::Data), with every fault.
    fn read(json: Value) -> Result<Self, EventError> {
        let faults = check(&schema_of::<Self>(), &json);
        if !faults.is_empty() {
            return Err(EventError::data(Self::KIND.name, faults));
        }
        serde_json::from_value(json).map_err(|error| {
            EventError::data(Self::KIND.name, vec![DataFault::new("", error.to_string())])
        })
    }
}

impl DataKind {
    pub(crate) const fn of<T: EventData>(example: &'static str) -> Self {
        DataKind {
            example,
            schema: schema_of::<T>,
            event: event_of::<T>,
            switched_off: T::switched_off,
            emission: emission_of::<T>,
        }
    }
}

fn schema_of<T: EventData>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), T::KIND.title.into());
    schema.into()
}

fn event_of<T: EventData>(
    json: Value,
    circumstances: &Circumstances<'_>,
) -> Result<Event, EventError> {
    let event = T::read(json)?.event(circumstances);
    check_fields(T::KIND, &event)?;
    Ok(event)
}

fn emission_of<T: EventData>(
    json: Value,
    circumstances: &Circumstances<'_>,
    rules: &Rules<'_>,
) -> Result<Emission, EventError> {
    let data = T::read(json)?;
    if let Some(reason) = T::switched_off(rules) {
        return Ok(Emission::held(reason));
    }
    let emission = data.emission(circumstances, rules)?;
    if let Ok(event) = &emission.verdict {
        check_fields(T::KIND, event)?;
    }
    Ok(emission)
}

/// A field of an event is one line; whoever made the data may not know that.
fn check_fields(kind: &EventKind, event: &Event) -> Result<(), EventError> {
    let faults: Vec<_> = event
        .fields
        .iter()
        .filter_map(|(name, value)| check_field(name, value).err())
        .map(|error| DataFault::new("", error.to_string()))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(EventError::data(kind.name, faults))
    }
}

impl EventKind {
    /// All kinds, sorted by name.
    pub fn all() -> [&'static EventKind; 6] {
        [
            &FENCING,
            &PACKAGE_UPDATES,
            &REPLICATION,
            &SYSTEM_MAIL,
            &TEST,
            &VZDUMP,
        ]
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static EventKind> {
        EventKind::all().into_iter().find(|kind| kind.name == name)
    }

    /// The fields that the kinds have, sorted by name, each once: what a form for
    /// matchers offers. The values of `type` are the names of the kinds.
    pub fn matcher_fields() -> Vec<FieldDoc> {
        let all = EventKind::all()
            .into_iter()
            .flat_map(|kind| kind.fields.iter().copied());
        let mut fields: Vec<FieldDoc> = Vec::new();
        for field in all {
            match fields.iter_mut().find(|known| known.name == field.name) {
                // What most kinds mean by it stands in the docs that they share.
                Some(known) if field == FieldDoc::HOSTNAME => *known = field,
                Some(_) => {}
                None => fields.push(field),
            }
        }
        fields.sort_by_key(|field| field.name);
        fields
    }

    /// Whether its events are made of data; a mail is not.
    pub fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// Example data, as JSON text; none for a kind without data.
    pub fn example(&self) -> Option<&'static str> {
        self.data.as_ref().map(|data| data.example)
    }

    /// The JSON Schema (draft 2020-12) of its data; none for a kind without data.
    pub fn schema(&self) -> Option<Value> {
        self.data.as_ref().map(|data| (data.schema)())
    }

    /// The event that these data make, whatever the rules of the kind say.
    ///
    /// # Errors
    /// [`EventErrorKind::Data`](crate::EventErrorKind::Data), with every fault;
    /// of a kind without data always.
    pub fn event(
        &self,
        json: Value,
        circumstances: &Circumstances<'_>,
    ) -> Result<Event, EventError> {
        (self.data()?.event)(json, circumstances)
    }

    /// Why no event of this kind is sent at all, whatever its data are; none when it may be.
    pub fn switched_off(&self, rules: &Rules<'_>) -> Option<&'static str> {
        (self.data.as_ref()?.switched_off)(rules)
    }

    /// The event that these data make, or why none is sent, by the rules of the kind.
    ///
    /// # Errors
    /// Those of [`EventKind::event`] and of [`EventData::emission`].
    pub fn emission(
        &self,
        json: Value,
        circumstances: &Circumstances<'_>,
        rules: &Rules<'_>,
    ) -> Result<Emission, EventError> {
        (self.data()?.emission)(json, circumstances, rules)
    }

    fn data(&self) -> Result<&DataKind, EventError> {
        self.data.as_ref().ok_or_else(|| {
            let fault = DataFault::new("", "this kind is made of mails, not of data");
            EventError::data(self.name, vec![fault])
        })
    }
}

/// The template of a kind, filled with its data.
pub(crate) fn content<T: EventData>(data: &T) -> Content {
    Content::Template {
        name: T::KIND.name.to_owned(),
        data: serde_json::to_value(data).expect("keys are strings, and numbers are whole"),
    }
}
