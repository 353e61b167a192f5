//! The templates of a program, and what can be done with them.

use std::path::PathBuf;
use std::sync::Arc;

use notify_core::{TemplateSet, Zone};
use notify_schema::Fault;
use serde_json::Value;

use crate::folder::Folder;
use crate::rendered::Rendered;
use crate::shelf::{Builtins, Shelf};

/// The folder of overrides, relative to the configuration folder.
const OVERRIDES: &str = "notification-templates/default";

/// All templates: a folder of overrides, a vendor's folder, and what is built in.
///
/// Files are looked at whenever a text is made, and parsed only when they have
/// changed. Clones share what was parsed; any number of threads may use one.
#[derive(Clone, Debug)]
pub struct Templates {
    shelf: Arc<Shelf>,
}

impl Templates {
    /// These built-in templates and no folder. Of two sets with one name the
    /// last is used, and [`Templates::check`] says so.
    pub fn new(builtin: impl IntoIterator<Item = &'static TemplateSet>) -> Self {
        Templates::of(Vec::new(), Arc::new(Builtins::new(builtin)))
    }

    /// All templates that are linked into this program.
    pub fn linked() -> Self {
        Templates::new(TemplateSet::linked())
    }

    /// With folders that are asked before what is built in, overrides first. A folder
    /// that does not exist holds nothing.
    ///
    /// `overrides` is `notification-templates/default` of the configuration
    /// folder, wherever that is: faults name its files so.
    #[must_use]
    pub fn with_folders(self, overrides: Option<PathBuf>, vendor: Option<PathBuf>) -> Self {
        let overrides = overrides.map(|path| Folder::shown_as(OVERRIDES, path));
        let folders = overrides.into_iter().chain(vendor.map(Folder::new));
        Templates::of(folders.collect(), Arc::clone(&self.shelf.builtins))
    }

    /// A message of this template and data; `timestamp` is read in `zone`.
    ///
    /// Nothing is rendered until a part is asked for. For the variables that
    /// all events have see [`with_common_variables`](crate::with_common_variables).
    pub fn message(&self, template: &str, data: Value, zone: Zone) -> Rendered {
        Rendered::new(Arc::clone(&self.shelf), template, data, zone)
    }

    /// Whether there is a template of this name, good or faulty.
    pub fn contains(&self, template: &str) -> bool {
        self.shelf.contains(template)
    }

    /// The names of the built-in templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.shelf.builtins.names()
    }

    /// Everything that is wrong with the templates, whether they are used or not.
    ///
    /// Errors are templates that cannot be parsed or call what does not exist;
    /// a file that has no template's name is a remark. `file` is relative to
    /// the configuration folder for overrides, absolute for others.
    pub fn check(&self) -> Vec<Fault> {
        let folders = self.shelf.folders.iter().flat_map(Folder::check);
        let mut faults: Vec<_> = folders.chain(self.shelf.builtins.check()).collect();
        Fault::sort(&mut faults);
        faults
    }

    fn of(folders: Vec<Folder>, builtins: Arc<Builtins>) -> Self {
        Templates {
            shelf: Arc::new(Shelf { folders, builtins }),
        }
    }
}
