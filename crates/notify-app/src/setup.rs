//! What most commands begin with: the folder, its configuration, the host, the engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify_bus::{Engine, Settings};
use notify_config::{Configuration, Files, Schemas, Section, Snapshot, Store};
use notify_core::{Registry, Zone};
use notify_host::HostFacts;
use notify_match::RuleKind;
use notify_render::Templates;
use notify_schema::{Audience, Fault, Source};

use crate::args::Global;
use crate::console::Console;
use crate::exit::Stop;
use crate::folders::{ConfigFolder, Surroundings};
use crate::handover;

/// The folders and plugins of this run.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) registry: Registry,
    pub(crate) schemas: Schemas,
    pub(crate) folder: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) store: Store,
    is_away: bool,
}

/// A configuration and everything that it needs to work.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) snapshot: Snapshot,
    pub(crate) configuration: Configuration,
    pub(crate) engine: Arc<Engine>,
    pub(crate) host_faults: Vec<Fault>,
}

impl Setup {
    /// Finds the folders and the plugins.
    pub(crate) fn new(global: &Global) -> Result<Self, Stop> {
        let surroundings = Surroundings::of_process(global.config_dir.clone());
        Setup::at(surroundings.config(Path::is_dir)?, surroundings.state())
    }

    /// The same for a command that hands over: its configuration folder may be away, as long as
    /// a daemon takes what it brings. Before this process does anything itself, it asks
    /// [`Setup::at_hand`].
    pub(crate) fn to_hand_over(global: &Global) -> Result<Self, Stop> {
        let surroundings = Surroundings::of_process(global.config_dir.clone());
        let config = handover::config(&surroundings);
        let mut setup = Setup::at(config.path, surroundings.state())?;
        setup.is_away = config.is_away;
        Ok(setup)
    }

    /// Exit 2 when the configuration folder is away.
    pub(crate) fn at_hand(&self) -> Result<(), Stop> {
        let path = self.folder.clone();
        match self.is_away {
            true => Err(ConfigFolder {
                path,
                is_away: true,
            }
            .not_there()),
            false => Ok(()),
        }
    }

    /// These folders, and the plugins.
    pub(crate) fn at(folder: PathBuf, state: PathBuf) -> Result<Self, Stop> {
        let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()))?;
        // Two plugins with one kind of rule would leave one of them out in silence.
        RuleKind::linked().map_err(|error| Stop::usage(error.to_string()))?;
        Ok(Setup {
            schemas: notify_bus::schemas(&registry),
            registry,
            store: Store::open(&folder),
            state,
            folder,
            is_away: false,
        })
    }

    /// With the private file in another place.
    pub(crate) fn with_private_file(mut self, file: Option<PathBuf>) -> Self {
        if let Some(file) = file {
            self.store = self.store.with_private_file(file);
        }
        self
    }

    /// Reads the files.
    ///
    /// Exit 2 when the public file is there and cannot be read: an empty
    /// configuration in its place would send mail that nobody asked for.
    pub(crate) fn read(&self) -> Result<(Snapshot, Configuration), Stop> {
        self.at_hand()?;
        let snapshot = self.store.read();
        let configuration = Configuration::assemble(&snapshot.files, &self.schemas);
        if let Some(reason) = configuration.unreadable() {
            let file = self.store.path(Source::Public);
            return Err(Stop::usage(format!(
                "cannot read {}: {reason}",
                file.display()
            )));
        }
        Ok((snapshot, configuration))
    }

    /// The host as the folder and the system describe it.
    pub(crate) fn host(&self) -> (HostFacts, Vec<Fault>) {
        HostFacts::read(&self.folder, &self.state)
    }

    /// The templates of the folder, of the vendor's folder in `NOTIFY_TEMPLATES`, and the built-in ones.
    pub(crate) fn templates(&self) -> Templates {
        let vendor = std::env::var_os("NOTIFY_TEMPLATES")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        Templates::linked().with_folders(
            Some(self.folder.join("notification-templates/default")),
            vendor,
        )
    }

    /// The same, one of which has this name, unless their folder is away.
    ///
    /// Exit 2 when there is none: the name came from the command line.
    pub(crate) fn templates_with(&self, name: &str) -> Result<Templates, Stop> {
        let templates = self.templates();
        if self.is_away || templates.contains(name) {
            return Ok(templates);
        }
        let known = templates.names().collect::<Vec<_>>().join(", ");
        let stop = Stop::usage(format!("there is no template `{}`", name.escape_debug()));
        Err(stop.with_hint(format!("built in: {known}")))
    }

    /// Everything, with calendars read in `zone` where they name none.
    pub(crate) fn ready(&self, zone: Zone) -> Result<Ready, Stop> {
        self.ready_on(self.host(), zone)
    }

    /// The same, on this host.
    pub(crate) fn ready_on(
        &self,
        (host, host_faults): (HostFacts, Vec<Fault>),
        zone: Zone,
    ) -> Result<Ready, Stop> {
        let (snapshot, configuration) = self.read()?;
        let engine = Engine::assemble(
            &configuration,
            &self.registry,
            Arc::new(host),
            self.templates(),
            zone,
        );
        Ok(Ready {
            snapshot,
            configuration,
            engine: Arc::new(engine),
            host_faults,
        })
    }

    /// An engine without targets and matchers, for what goes past them: their files are not read.
    pub(crate) fn engine_past_configuration(&self, host: HostFacts) -> Engine {
        let nothing = Configuration::assemble(&Files::of("", "", ""), &self.schemas);
        Engine::assemble(
            &nothing,
            &self.registry,
            Arc::new(host),
            self.templates(),
            Zone::Local,
        )
    }
}

impl Ready {
    /// Everything that this configuration says of how a daemon works.
    pub(crate) fn settings(&self) -> Settings {
        Settings::of(&self.configuration)
    }

    /// The sections of the targets, usable or not.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Section> {
        let sections = self.configuration.sections().iter();
        sections.filter(|section| self.engine.has_target(&section.name))
    }

    /// Why a section cannot be used, because of its form or its content.
    pub(crate) fn unusable<'a>(&'a self, section: &'a Section) -> Option<&'a str> {
        let form = section.unusable.as_deref();
        form.or_else(|| self.engine.unusable(&section.name))
    }

    /// Says on standard error that the private file could not be read.
    pub(crate) fn tell_unreadable(&self, console: &Console) {
        if let Some(reason) = self.snapshot.files.private.unreadable() {
            console.problem(format!("cannot read priv/notifications.cfg: {reason}"));
        }
    }

    /// What is wrong with the sections and the host's files.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        let sections = self.configuration.faults().iter();
        let all = sections
            .chain(self.engine.faults())
            .chain(&self.host_faults);
        all.filter(|fault| fault.audience == Audience::Everyone)
    }

    /// Says it on standard error: the event still goes its way.
    pub(crate) fn tell_faults(&self, console: &Console) {
        for fault in self.faults() {
            console.fault(fault);
        }
    }
}
