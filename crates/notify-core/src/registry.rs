//! The plugins that are linked into a program.

use crate::target::TargetType;

/// A linked target type. Made by [`register_target!`](crate::register_target).
#[doc(hidden)]
#[derive(Debug)]
pub struct Linked(pub &'static TargetType);

inventory::collect!(Linked);

/// Registers a `static` [`TargetType`], so that [`Registry::linked`] finds it.
///
/// ```
/// # use notify_core::{TargetType, register_target};
/// # use std::sync::Arc;
/// static NULL: TargetType = TargetType::new("null", "Nowhere", |_| Err(Vec::new()));
/// register_target!(NULL);
/// assert!(notify_core::Registry::linked().expect("no two of one name").target("null").is_some());
/// ```
#[macro_export]
macro_rules! register_target {
    ($target_type:path) => {
        $crate::export::inventory::submit! { $crate::LinkedTarget(&$target_type) }
    };
}

/// The target types of a program, sorted by name.
#[derive(Clone, Debug)]
pub struct Registry {
    types: Vec<&'static TargetType>,
}

/// Two plugins that cannot live in one program.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("two target types are named `{name}`: `{first}` and `{second}`; link only one of them")]
pub struct RegistryError {
    /// The name both have.
    pub name: &'static str,
    /// The title of one.
    pub first: &'static str,
    /// The title of the other.
    pub second: &'static str,
}

impl Registry {
    /// All types that are linked into this program.
    ///
    /// # Errors
    /// [`RegistryError`] when two have one name.
    pub fn linked() -> Result<Self, RegistryError> {
        Registry::of(inventory::iter::<Linked>().map(|linked| linked.0))
    }

    /// These types.
    ///
    /// # Errors
    /// [`RegistryError`] when two have one name.
    pub fn of(types: impl IntoIterator<Item = &'static TargetType>) -> Result<Self, RegistryError> {
        let mut types: Vec<_> = types.into_iter().collect();
        // Sorted, because `inventory` visits in link order and no output may
        // differ from one build to the next.
        types.sort_by_key(|known| (known.name, known.title));
        match types.windows(2).find(|pair| pair[0].name == pair[1].name) {
            Some(pair) => Err(RegistryError {
                name: pair[0].name,
                first: pair[0].title,
                second: pair[1].title,
            }),
            None => Ok(Registry { types }),
        }
    }

    /// All types, sorted by name.
    pub fn types(&self) -> &[&'static TargetType] {
        &self.types
    }

    /// The type of this name.
    pub fn target(&self, name: &str) -> Option<&'static TargetType> {
        self.types.iter().copied().find(|known| known.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, RegistryError};
    use crate::TargetType;

    static ONE: TargetType = TargetType::new("same", "One", |_| Err(Vec::new()));
    static TWO: TargetType = TargetType::new("same", "Two", |_| Err(Vec::new()));
    static OTHER: TargetType = TargetType::new("other", "Other", |_| Err(Vec::new()));

    #[test]
    fn types_are_sorted_by_name() {
        let registry = Registry::of([&ONE, &OTHER]).expect("two names");
        assert_eq!(
            registry
                .types()
                .iter()
                .map(|known| known.name)
                .collect::<Vec<_>>(),
            ["other", "same"]
        );
    }

    #[test]
    fn two_of_one_name_are_an_error_that_names_both() {
        let error = Registry::of([&TWO, &ONE]).expect_err("one name");
        assert_eq!(
            error,
            RegistryError {
                name: "same",
                first: "One",
                second: "Two"
            }
        );
    }
}
