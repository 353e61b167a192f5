//! All facts of a host, read at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notify_config::{DatacenterCfg, PackageUpdates, UserCfg};
use notify_core::{Host, PlainHost};
use notify_schema::Fault;

use crate::places::Places;
use crate::{corosync, fqdn, instance, proxy, read};

/// A snapshot of a host's facts.
#[derive(Clone, Debug)]
pub struct HostFacts {
    facts: PlainHost,
    package_updates: PackageUpdates,
    template_folder: PathBuf,
}

impl HostFacts {
    /// Reads the facts of this host, with the faults of the files that they come from.
    ///
    /// Never fails: what cannot be read is a fault and a fact less. Makes the
    /// state folder and its `instance` file if they are missing and can be made.
    pub fn read(config: &Path, state: &Path) -> (HostFacts, Vec<Fault>) {
        HostFacts::read_at(&Places::of_process(config, state))
    }

    /// As [`HostFacts::read`], from the places that are named.
    pub fn read_at(places: &Places) -> (HostFacts, Vec<Fault>) {
        let mut reader = Reader::default();
        let name = fqdn::short_name(&places.node_name);
        let hosts = reader.text(&places.hosts);
        let resolv_conf = reader.text(&places.resolv_conf);
        let options = reader.datacenter(&places.config);
        let facts = PlainHost {
            fqdn: fqdn::full_name(&places.node_name, &hosts, &resolv_conf),
            cluster_name: reader.cluster_name(&places.config),
            addresses: reader.addresses(&places.config),
            email_from: options.email_from().map(str::to_owned),
            http_proxy: options.http_proxy().map(str::to_owned),
            sendmail: sendmail(places),
            instance: instance::id(&places.state, &places.machine_id, name),
            ..PlainHost::named(name)
        };
        let template_folder = places.config.join("notification-templates/default");
        let mut faults = reader.faults;
        Fault::sort(&mut faults);
        let host = HostFacts {
            facts,
            package_updates: options.package_updates(),
            template_folder,
        };
        (host, faults)
    }

    /// When to tell of package updates.
    pub fn package_updates(&self) -> PackageUpdates {
        self.package_updates
    }

    /// The folder of templates that replace the built-in ones, whether it exists or not.
    pub fn template_folder(&self) -> &Path {
        &self.template_folder
    }
}

fn sendmail(places: &Places) -> PathBuf {
    let named = places.sendmail.clone();
    named.unwrap_or_else(|| "/usr/sbin/sendmail".into())
}

/// Reads files and keeps their faults.
#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    /// A file of the configuration folder.
    fn config(&mut self, folder: &Path, name: &str) -> Vec<u8> {
        let read = read::bytes(&folder.join(name), name);
        self.keep_fault(read)
    }

    /// A file of the system, as text as far as it is one.
    fn text(&mut self, path: &Path) -> String {
        let read = read::bytes(path, &path.to_string_lossy());
        String::from_utf8_lossy(&self.keep_fault(read)).into_owned()
    }

    fn keep_fault(&mut self, read: Result<Vec<u8>, Fault>) -> Vec<u8> {
        read.unwrap_or_else(|fault| {
            self.faults.push(fault);
            Vec::new()
        })
    }

    fn datacenter(&mut self, folder: &Path) -> DatacenterCfg {
        let bytes = self.config(folder, "datacenter.cfg");
        let options = DatacenterCfg::parse(&bytes);
        self.faults.extend_from_slice(options.faults());
        let text = String::from_utf8_lossy(&bytes);
        self.faults
            .extend(proxy::fault(&text, options.http_proxy()));
        options
    }

    /// The first record of a user counts, even one without address.
    fn addresses(&mut self, folder: &Path) -> BTreeMap<String, String> {
        let users = UserCfg::parse(&self.config(folder, "user.cfg"));
        self.faults.extend_from_slice(users.faults());
        let mut first: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for user in users.users() {
            first.entry(&user.id).or_insert(user.email.as_deref());
        }
        let addressed =
            |(id, email): (&str, Option<&str>)| Some((id.to_owned(), email?.to_owned()));
        first.into_iter().filter_map(addressed).collect()
    }

    fn cluster_name(&mut self, folder: &Path) -> Option<String> {
        let bytes = self.config(folder, "corosync.conf");
        corosync::cluster_name(&String::from_utf8_lossy(&bytes))
    }
}

impl Host for HostFacts {
    fn name(&self) -> &str {
        self.facts.name()
    }

    fn fqdn(&self) -> &str {
        self.facts.fqdn()
    }

    fn cluster_name(&self) -> Option<&str> {
        self.facts.cluster_name()
    }

    fn address_of(&self, user: &str) -> Option<&str> {
        self.facts.address_of(user)
    }

    fn email_from(&self) -> Option<&str> {
        self.facts.email_from()
    }

    fn http_proxy(&self) -> Option<&str> {
        self.facts.http_proxy()
    }

    fn sendmail(&self) -> &Path {
        self.facts.sendmail()
    }

    fn instance(&self) -> &str {
        self.facts.instance()
    }
}
