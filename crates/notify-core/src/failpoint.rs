//! Named places in the code where a test may end the process.

use std::sync::OnceLock;

static HOOK: OnceLock<fn(&'static str)> = OnceLock::new();

/// Has this function called at every failpoint. Only the first call counts.
///
/// Without the feature `failpoints` nothing ever calls it.
pub fn set_hook(hook: fn(&'static str)) {
    // A second hook would change a run under way.
    let _ = HOOK.set(hook);
}

/// The code has come to the failpoint of this name.
#[inline]
pub fn reached(name: &'static str) {
    if cfg!(feature = "failpoints")
        && let Some(hook) = HOOK.get()
    {
        hook(name);
    }
}
