//! `notify forward-mail --install` and `--uninstall`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use notify_drop::Made;

use super::{dot_forward, mail_drop};
use crate::args;
use crate::console::Console;
use crate::exit::{Answer, Exit, Stop};
use crate::folders::SYSTEM_STATE;

/// Makes the drop, then tells the MTA, so that no mail comes before there is a place for it.
pub(super) fn install(args: &args::ForwardMail, console: &Console) -> Answer {
    let path = dot_forward_path(args)?;
    let drop = mail_drop(args);
    let line = command_line(&drop)?;
    warn_of_program(console);
    let made = notify_drop::make(&drop).map_err(|error| cannot(notify_core::report(&error)))?;
    let done = match made {
        Made::New => "made",
        Made::Mended => "given owner and permissions back",
        Made::Unchanged => "was there already",
    };
    console.note(format!("mail drop {}: {done}", drop.display()));
    let by_hand = |stop: Stop| stop.with_hint(format!("or add this line by hand: {line}"));
    let before = read(&path).map_err(by_hand)?;
    let after = dot_forward::installed(before.as_deref(), &line);
    if before.as_ref() == Some(&after) {
        console.note(format!("{}: has the command already", path.display()));
        return Ok(Exit::Done);
    }
    write(&path, &after).map_err(by_hand)?;
    console.note(format!("{}: pipes mails into {line}", path.display()));
    console.note("as root, every minute or so: notify forward-mail --drain");
    Ok(Exit::Done)
}

/// Takes the command out of `.forward`, then the drop away if nothing lies there.
pub(super) fn uninstall(args: &args::ForwardMail, console: &Console) -> Answer {
    let path = dot_forward_path(args)?;
    let before = read(&path)?;
    let after = before.as_deref().and_then(dot_forward::removed);
    match (&before, &after) {
        (Some(before), Some(after)) if before == after => {
            console.note(format!("{}: does not have the command", path.display()));
        }
        (None, _) => console.note(format!("{}: is not there", path.display())),
        (Some(_), Some(after)) => {
            write(&path, after)?;
            console.note(format!("{}: is as it was before", path.display()));
        }
        (Some(_), None) => {
            fs::remove_file(&path)
                .map_err(|error| cannot(format!("cannot remove {}: {error}", path.display())))?;
            console.note(format!(
                "{}: removed, it was made by --install",
                path.display()
            ));
        }
    }
    let drop = mail_drop(args);
    let gone = notify_drop::unmake(&drop).map_err(|error| cannot(notify_core::report(&error)))?;
    if gone {
        console.note(format!("mail drop {}: gone", drop.display()));
    } else {
        console.remark(format!(
            "mail drop {}: stays, because mails lie there; send them: notify forward-mail --drain",
            drop.display()
        ));
    }
    Ok(Exit::Done)
}

fn cannot(message: String) -> Stop {
    Stop::failed(message).with_exit(Exit::CannotCreate)
}

/// `.forward` in root's home, or in the one that was named.
fn dot_forward_path(args: &args::ForwardMail) -> Result<PathBuf, Stop> {
    if let Some(home) = &args.home {
        return Ok(home.join(".forward"));
    }
    if !rustix::process::geteuid().is_root() {
        let stop = Stop::failed("only root may change root's .forward");
        return Err(stop.with_exit(Exit::NotPermitted));
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Ok(home_of_root(&users).join(".forward"))
}

/// The home folder of the user with number 0 (passwd(5)).
fn home_of_root(users: &str) -> PathBuf {
    let home = users.lines().find_map(|line| {
        let mut parts = line.split(':').skip(2);
        (parts.next()? == "0").then(|| parts.nth(2))?
    });
    PathBuf::from(home.filter(|home| home.starts_with('/')).unwrap_or("/root"))
}

/// The line for `.forward`: this program by its path, and the drop where it is not the usual one.
fn command_line(drop: &Path) -> Result<String, Stop> {
    let program = std::env::current_exe()
        .map_err(|error| cannot(format!("cannot find this program's own path: {error}")))?;
    let usual = drop == Path::new(SYSTEM_STATE).join("incoming");
    let program = program.to_str();
    let folder = std::path::absolute(drop).ok();
    let folder = folder.as_deref().and_then(Path::to_str);
    let line = program.zip(folder).and_then(|(program, folder)| {
        let words = [program, "forward-mail", "--drop", folder];
        dot_forward::pipe_line(&words[..if usual { 2 } else { 4 }])
    });
    line.ok_or_else(|| {
        cannot("the path of this program or of the mail drop cannot stand in .forward".to_owned())
    })
}

/// Says when the MTA, as nobody, will not be able to run this program.
fn warn_of_program(console: &Console) {
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let others_may_run = |path: &Path| fs::metadata(path).is_ok_and(|found| found.mode() & 1 == 1);
    if !program.ancestors().all(others_may_run) {
        console.problem(format!(
            "only some users may run {}, and the MTA runs it as nobody; put it where everybody may",
            program.display()
        ));
    }
}

/// The content; none when there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Stop> {
    let failed =
        |error: &dyn std::fmt::Display| cannot(format!("cannot read {}: {error}", path.display()));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
        Ok(_) => {}
    }
    // A link to nothing ends here, too: to make what it names would be a guess.
    let about = fs::metadata(path).map_err(|error| failed(&error))?;
    if !about.is_file() {
        return Err(failed(&"not a file"));
    }
    fs::read(path).map(Some).map_err(|error| failed(&error))
}

/// Replaces the content at one stroke. A link stays one, and owner and mode are kept.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let replaced = replace(&place, bytes);
    replaced.map_err(|error| cannot(format!("cannot write {}: {error}", place.display())))
}

fn replace(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("/"));
    let draft = folder.join(format!(".forward.notify-{}", std::process::id()));
    let old = fs::metadata(place).ok();
    let mode = old.as_ref().map_or(0o644, |old| old.mode() & 0o7777);
    let fill = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(bytes)?;
        if let Some(old) = &old {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&draft, place)?;
        File::open(folder)?.sync_all()
    };
    let filled = fill();
    if filled.is_err() {
        let _ = fs::remove_file(&draft);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::home_of_root;
    use std::path::Path;

    #[test]
    fn the_home_of_root_stands_in_the_list_of_users() {
        let check = |users: &str, expected: &str| {
            assert_eq!(home_of_root(users), Path::new(expected), "{users}");
        };
        check(
            "daemon:x:1:1::/usr/sbin:/x\nroot:x:0:0:root:/var/root:/bin/sh\n",
            "/var/root",
        );
        check("root:x:0:0:root\n", "/root");
        check("root:x:0:0:root:relative:/bin/sh\n", "/root");
        check("", "/root");
    }
}
