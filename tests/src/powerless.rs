//! A command that permissions bind although it is root's.

use std::process::Command;

/// The same command; when it would run as root, without the capabilities that
/// make root read everything. util-linux has the program for it.
pub(crate) fn bound(command: &Command) -> Command {
    if !permissions_are_ignored() {
        return copy(command, Command::new(command.get_program()));
    }
    let mut outer = Command::new("setpriv");
    let fewer = "-dac_override,-dac_read_search";
    outer
        .args(["--bounding-set", fewer, "--inh-caps", fewer])
        .arg(command.get_program());
    copy(command, outer)
}

fn copy(from: &Command, mut to: Command) -> Command {
    to.args(from.get_args());
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
    to
}

fn permissions_are_ignored() -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o0))
        .expect("a file of our own");
    std::fs::File::open(file.path()).is_ok()
}
