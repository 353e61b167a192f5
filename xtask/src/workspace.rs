//! The workspace as cargo and git see it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failed::{Failed, Outcome};

/// The workspace around the current directory.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Absolute.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds; absolute.
    pub(crate) target: PathBuf,
    /// Its crates, sorted by name.
    pub(crate) packages: Vec<Package>,
}

/// One crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// As `notify-core`.
    pub(crate) name: String,
    /// Relative to the root, with `/`, as `crates/notify-core`.
    pub(crate) folder: String,
    /// What its manifest names.
    pub(crate) dependencies: Vec<Dependency>,
    /// The names of its `benches/*.rs`.
    pub(crate) benches: Vec<String>,
}

/// One line of a manifest's dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package's name, whatever it is renamed to.
    pub(crate) name: String,
    /// For what it is needed.
    pub(crate) need: Need,
    /// Whether a feature turns it on.
    pub(crate) optional: bool,
}

/// For what a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// By the crate itself or its build script.
    Normal,
    /// By its tests, examples and benches only.
    Dev,
}

impl Workspace {
    /// Asks `cargo metadata`, which builds nothing and needs no network for this.
    pub(crate) fn read() -> Outcome<Self> {
        let answer = output(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&answer)
            .map_err(|error| Failed::new(format!("cargo metadata: {error}")))?;
        Workspace::from_metadata(&metadata)
            .ok_or_else(|| Failed::new("cargo metadata: not the expected format"))
    }

    fn from_metadata(metadata: &Value) -> Option<Self> {
        let root = PathBuf::from(metadata["workspace_root"].as_str()?);
        let mut packages = metadata["packages"]
            .as_array()?
            .iter()
            .map(|package| Package::from_metadata(package, &root))
            .collect::<Option<Vec<_>>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Workspace {
            target: PathBuf::from(metadata["target_directory"].as_str()?),
            root,
            packages,
        })
    }

    /// Paths of all files that are or may become part of the repository, relative to the root.
    ///
    /// New files count although they are not added yet, so that a rule speaks up early.
    pub(crate) fn files(&self) -> Outcome<Vec<String>> {
        let list = output(Command::new("git").current_dir(&self.root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))?;
        let mut files: Vec<_> = list
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}

impl Package {
    fn from_metadata(package: &Value, root: &Path) -> Option<Self> {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let folder = manifest.parent()?.strip_prefix(root).ok()?;
        let dependencies = package["dependencies"].as_array()?;
        Some(Package {
            name: package["name"].as_str()?.to_owned(),
            folder: folder.to_str()?.to_owned(),
            dependencies: dependencies
                .iter()
                .map(Dependency::from_metadata)
                .collect::<Option<Vec<_>>>()?,
            benches: benches(package["targets"].as_array()?),
        })
    }
}

impl Dependency {
    fn from_metadata(dependency: &Value) -> Option<Self> {
        Some(Dependency {
            name: dependency["name"].as_str()?.to_owned(),
            need: match dependency["kind"].as_str() {
                Some("dev") => Need::Dev,
                _ => Need::Normal,
            },
            optional: dependency["optional"].as_bool()?,
        })
    }
}

fn benches(targets: &[Value]) -> Vec<String> {
    targets
        .iter()
        .filter(|target| target["kind"][0] == "bench")
        .filter_map(|target| target["name"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The cargo that started this task, without what that one told this program of its package.
///
/// Build scripts look at such variables, as that of `ring`: with other values than those of a
/// call by hand it would be built again, and so would half of the workspace, each time.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_of_a_package(name)) {
        command.env_remove(name);
    }
    command
}

/// Whether cargo sets a variable anew for each package (Cargo reference, "Environment variables").
fn is_of_a_package(name: &str) -> bool {
    let whole = [
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || whole.contains(&name)
}

/// Builds one program with these arguments of `cargo build`, and says where it is.
///
/// Progress and faults are on the terminal.
pub(crate) fn build_program(arguments: &[&str], name: &str) -> Outcome<PathBuf> {
    let messages = output(
        cargo()
            .arg("build")
            .args(arguments)
            .arg("--message-format=json-render-diagnostics"),
    )?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| Failed::new(format!("cargo build made no program `{name}`")))
}

/// What a command prints on its standard output; its standard error is the terminal's.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| Failed::new(format!("{program}: {error}")))?;
    if !output.status.success() {
        let call = format!("{command:?}").replace('"', "");
        return Err(Failed::new(format!("{call}: {}", output.status)));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failed::new(format!("{program}: printed what is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::{Dependency, Need, Workspace, cargo};
    use serde_json::json;

    #[test]
    fn no_package_is_told_to_the_inner_cargo() {
        // Whoever runs this test has set them: for this very package.
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(std::env::var_os(name).is_some(), "{name}");
            let removed = |(other, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
                other == name && value.is_none()
            };
            assert!(cargo().get_envs().any(removed), "{name}");
        }
        let kept = |name: &str| !cargo().get_envs().any(|(other, _)| other == name);
        assert!(kept("CARGO") && kept("CARGO_HOME") && kept("CARGO_TARGET_DIR"));
    }

    #[test]
    fn metadata_becomes_packages() {
        let metadata = json!({
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [
                {"name": "b", "manifest_path": "/w/crates/b/Cargo.toml", "dependencies": [],
                 "targets": [{"kind": ["lib"], "name": "b"}, {"kind": ["bench"], "name": "speed"}]},
                {"name": "a", "manifest_path": "/w/a/Cargo.toml", "targets": [], "dependencies": [
                    {"name": "b", "kind": null, "optional": true},
                    {"name": "c", "kind": "dev", "optional": false}]},
            ],
        });
        let workspace = Workspace::from_metadata(&metadata).expect("the format of cargo");
        let [a, b] = &workspace.packages[..] else {
            panic!("two packages: {workspace:?}");
        };
        assert_eq!((a.name.as_str(), a.folder.as_str()), ("a", "a"));
        assert_eq!(b.benches, ["speed"]);
        let dependency = |name: &str, need, optional| Dependency {
            name: name.to_owned(),
            need,
            optional,
        };
        assert_eq!(
            a.dependencies,
            [
                dependency("b", Need::Normal, true),
                dependency("c", Need::Dev, false)
            ]
        );
    }
}
