//! The names of a host, from what the kernel says and the system's files.

/// The short name: what stands before the first dot.
///
/// Names go into headers, so one with other characters than letters, digits,
/// `-` and `_` is not used, and `localhost` stands in its place.
pub(crate) fn short_name(node_name: &str) -> &str {
    let short = node_name.split('.').next().unwrap_or_default();
    if is_host_name(short) {
        short
    } else {
        "localhost"
    }
}

/// The full name, as the resolver's canonical name where that stands in a file.
///
/// In this order: the first name of the line of `/etc/hosts` that lists the node
/// (hosts(5): the canonical one), when it has a domain, else another name of that line which
/// begins with the short name and a dot; the node's own name when it has a
/// domain; the short name in the domain of `/etc/resolv.conf` (`domain`, or the
/// first of `search`; the last such line counts, resolv.conf(5)); the short name.
/// DNS is not asked.
pub(crate) fn full_name(node_name: &str, hosts: &str, resolv_conf: &str) -> String {
    let short = short_name(node_name);
    let own = || is_full(node_name).then(|| node_name.to_owned());
    let in_domain = || {
        let name = format!("{short}.{}", domain(resolv_conf)?);
        is_full(&name).then_some(name)
    };
    listed(node_name, short, hosts)
        .or_else(own)
        .or_else(in_domain)
        .unwrap_or_else(|| short.to_owned())
}

fn listed(node_name: &str, short: &str, hosts: &str) -> Option<String> {
    let is_node =
        |name: &&str| name.eq_ignore_ascii_case(node_name) || name.eq_ignore_ascii_case(short);
    let of_node = |name: &str| {
        name.split_once('.')
            .is_some_and(|(first, _)| first.eq_ignore_ascii_case(short))
    };
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        if !names.iter().any(is_node) {
            continue;
        }
        let canonical = names.first().copied().filter(|name| is_full(name));
        let alias = || {
            names
                .iter()
                .copied()
                .find(|name| of_node(name) && is_full(name))
        };
        if let Some(name) = canonical.or_else(alias) {
            return Some(name.to_owned());
        }
    }
    None
}

fn domain(resolv_conf: &str) -> Option<&str> {
    let mut domains = resolv_conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("domain" | "search")).then(|| words.next())?
    });
    let domain = domains.next_back()?.trim_matches('.');
    (!domain.is_empty()).then_some(domain)
}

/// A name with a domain, without empty labels.
fn is_full(name: &str) -> bool {
    name.contains('.') && name.len() <= 253 && name.split('.').all(is_host_name)
}

fn is_host_name(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{full_name, short_name};

    fn check(node_name: &str, hosts: &str, resolv_conf: &str, expected: &str) {
        assert_eq!(
            full_name(node_name, hosts, resolv_conf),
            expected,
            "{node_name} in {hosts:?} and {resolv_conf:?}"
        );
    }

    #[test]
    fn the_short_name_ends_at_the_first_dot() {
        assert_eq!(short_name("pve1.example.com"), "pve1");
        assert_eq!(short_name("pve1"), "pve1");
        for bad in ["", ".x", "a b", "a\r\nBcc: x", "ä"] {
            assert_eq!(short_name(bad), "localhost", "{bad:?}");
        }
    }

    #[test]
    fn the_table_of_names_comes_first() {
        let hosts = "127.0.0.1 localhost\n# 1.2.3.4 no.example.com pve1\n\
                     192.0.2.7\tPVE1.example.com pve1 # the node\n192.0.2.8 pve2.example.com pve2\n";
        check("pve1", hosts, "search other.org\n", "PVE1.example.com");
        check("pve1.example.com", hosts, "", "PVE1.example.com");
        check("pve2", hosts, "", "pve2.example.com");
        check("::1", hosts, "", "localhost");
    }

    #[test]
    fn a_line_without_a_domain_does_not_end_the_search() {
        check(
            "pve1",
            "127.0.1.1 pve1\n192.0.2.7 pve1.a.org pve1\n",
            "",
            "pve1.a.org",
        );
        check("pve1", "192.0.2.7 pve1 pve1.a.org\n", "", "pve1.a.org");
        check("pve1", "192.0.2.7 pve1 mail.a.org\n", "", "pve1");
    }

    #[test]
    fn then_the_nodes_own_name_then_the_resolvers_domain() {
        check(
            "pve1.b.org",
            "127.0.1.1 pve1\n",
            "search a.org\n",
            "pve1.b.org",
        );
        check(
            "pve1",
            "",
            "nameserver 192.0.2.1\nsearch a.org b.org\n",
            "pve1.a.org",
        );
        check("pve1", "", "search a.org\ndomain b.org.\n", "pve1.b.org");
        check("pve1", "", "search .\n", "pve1");
        check("pve1", "", "search\n", "pve1");
        check("pve1", "192.0.2.7 a..b pve1\n", "search a\u{1}b\n", "pve1");
        check("pve1", "", "", "pve1");
    }
}
