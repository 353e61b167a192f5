//! `package-updates`: there are new versions of installed packages.

use notify_core::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::announced::Announced;
use crate::emission::{Emission, Rules};
use crate::error::EventError;
use crate::event::{Circumstances, Common, Event, fields};
use crate::kind::{DataKind, EventData, EventKind, FieldDoc, content};
use crate::table::{Row, StandardColumn, Table};

/// There are new versions of installed packages.
pub static PACKAGE_UPDATES: EventKind = EventKind {
    name: "package-updates",
    title: "System updates available",
    doc: "Sent when there are new versions of packages, once for each version. \
          `notify: package-updates=never` in datacenter.cfg switches it off.",
    severities: &[Severity::Info],
    fields: &[FieldDoc::TYPE, FieldDoc::HOSTNAME],
    data: Some(DataKind::of::<PackageUpdates>(include_str!(
        "../examples/package-updates.json"
    ))),
};

/// New versions of packages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PackageUpdates {
    /// The packages.
    pub available_updates: Table<PackageUpdate>,
    /// What all kinds may have.
    #[serde(flatten)]
    pub common: Common,
}

/// A new version of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PackageUpdate {
    /// The package.
    pub package_name: String,
    /// The version that is installed; null for a package that comes anew.
    #[serde(default)]
    pub installed_version: Option<String>,
    /// The version that can be installed.
    pub available_version: String,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Row for PackageUpdate {
    const COLUMNS: &'static [StandardColumn] = &[
        StandardColumn::plain("Package Name", "package-name"),
        StandardColumn::plain("Installed Version", "installed-version"),
        StandardColumn::plain("Available Version", "available-version"),
    ];
}

impl PackageUpdates {
    /// These packages.
    pub fn of(updates: impl IntoIterator<Item = PackageUpdate>) -> Self {
        PackageUpdates {
            available_updates: Table::of(updates),
            common: Common::default(),
        }
    }
}

impl EventData for PackageUpdates {
    const KIND: &'static EventKind = &PACKAGE_UPDATES;

    fn switched_off(rules: &Rules<'_>) -> Option<&'static str> {
        let never = rules.package_updates == notify_config::PackageUpdates::Never;
        never.then_some("datacenter.cfg has `notify: package-updates=never`")
    }

    /// Only versions that people were not told of yet are sent; they are remembered
    /// when the event was taken.
    fn emission(
        &self,
        circumstances: &Circumstances<'_>,
        rules: &Rules<'_>,
    ) -> Result<Emission, EventError> {
        if self.available_updates.is_empty() {
            return Ok(Emission::held("there are no updates"));
        }
        let mut announced = Announced::open(rules.state)?;
        let lost = announced.lost.take();
        let mut new = self.clone();
        new.available_updates
            .rows
            .retain(|update| announced.is_new(update));
        let emission = if new.available_updates.is_empty() {
            Emission::held("people were told of all updates already")
        } else {
            let announcement = announced.announcing(&new.available_updates)?;
            Emission::sent(new.event(circumstances)).announcing(announcement)
        };
        Ok(emission.remarking(lost))
    }

    fn event(&self, circumstances: &Circumstances<'_>) -> Event {
        let hostname = self.common.hostname_or(circumstances.hostname);
        Event {
            severity: Severity::Info,
            fields: fields("package-updates", hostname, []),
            content: content(self),
        }
    }
}
