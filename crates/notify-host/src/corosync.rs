//! The cluster's name in `corosync.conf`.

/// `cluster_name` of the `totem` section (corosync.conf(5)); none when it is missing or empty.
pub(crate) fn cluster_name(text: &str) -> Option<String> {
    let mut sections: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_suffix('{') {
            sections.push(section.trim());
        } else if line == "}" {
            sections.pop();
        } else if let Some((key, value)) = line.split_once(':')
            && key.trim() == "cluster_name"
            && sections == ["totem"]
        {
            let name = value.trim();
            let is_name = !name.is_empty() && !name.contains(char::is_control);
            return is_name.then(|| name.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::cluster_name;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(cluster_name(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_name_stands_in_totem() {
        check(
            "logging {\n  debug: off\n}\n\nnodelist {\n  node {\n    name: pve1\n  }\n}\n\n\
             totem {\n  # cluster_name: old\n  cluster_name: prod\n  interface {\n    linknumber: 0\n  }\n}\n",
            Some("prod"),
        );
        check("totem{\ncluster_name:  a b \n", Some("a b"));
        check("quorum {\n  cluster_name: x\n}\ntotem {\n}\n", None);
        check(
            "totem {\n  interface {\n    cluster_name: x\n  }\n}\n",
            None,
        );
        check("totem {\n  cluster_name:\n}\n", None);
        check("}\n}\n{\ncluster_name: x", None);
        check("", None);
    }
}
