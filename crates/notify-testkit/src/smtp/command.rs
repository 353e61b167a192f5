//! The arguments of SMTP commands, read strictly (RFC 5321 4.1).

/// The path and the parameters of MAIL or RCPT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Without the angle brackets.
    pub(super) address: String,
    /// As they came, as `BODY=8BITMIME`.
    pub(super) parameters: Vec<String>,
}

/// Reads `FROM:<address> PARAMETER…`; `word` is `FROM` or `TO`.
pub(super) fn path(argument: &str, word: &str) -> Result<Path, String> {
    let (key, rest) = argument
        .split_once(':')
        .ok_or_else(|| format!("expected {word}:<address>"))?;
    if !key.eq_ignore_ascii_case(word) {
        return Err(format!("expected {word}:<address>"));
    }
    let inner = rest
        .strip_prefix('<')
        .ok_or("the address must follow the colon at once, in angle brackets")?;
    let end = end_of_address(inner).ok_or("no closing angle bracket")?;
    let (address, after) = (&inner[..end], &inner[end + 1..]);
    if !after.is_empty() && !after.starts_with(' ') {
        return Err("no blank between address and parameters".to_owned());
    }
    if !address.is_empty() {
        mailbox(address)?;
    }
    Ok(Path {
        address: address.to_owned(),
        parameters: after.split_ascii_whitespace().map(str::to_owned).collect(),
    })
}

/// Where the `>` is that no quoted string holds.
fn end_of_address(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

/// Local part, `@`, domain; RFC 5321 4.1.2 and 4.5.3.1.
fn mailbox(address: &str) -> Result<(), String> {
    let (local, domain) = address
        .rsplit_once('@')
        .ok_or("an address has a local part, `@` and a domain")?;
    if local.is_empty() || local.len() > 64 || domain.is_empty() || domain.len() > 255 {
        return Err("local part of 1 to 64 octets, domain of 1 to 255".to_owned());
    }
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let atom = |character: char| {
        character.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(character)
            || !character.is_ascii()
    };
    let dotted = local
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(atom));
    if !quoted && !dotted {
        return Err("the local part is neither a dot-string nor quoted".to_owned());
    }
    if local.chars().any(char::is_control) {
        return Err("a control character in the local part".to_owned());
    }
    domain_name(domain)
}

/// A domain or an address literal.
pub(super) fn domain_name(domain: &str) -> Result<(), String> {
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let labels = domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii())
    });
    if literal || labels {
        Ok(())
    } else {
        Err("not a domain".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::path;

    fn check(argument: &str, word: &str, expected: Result<(&str, &[&str]), &str>) {
        let result = path(argument, word);
        let result = result.as_ref().map(|path| {
            let parameters: Vec<&str> = path.parameters.iter().map(String::as_str).collect();
            (path.address.as_str(), parameters)
        });
        let expected = expected.map(|(address, parameters)| (address, parameters.to_vec()));
        assert_eq!(result.map_err(String::as_str), expected, "{argument:?}");
    }

    #[test]
    fn paths_are_read_strictly() {
        check("FROM:<>", "FROM", Ok(("", &[])));
        check(
            "from:<a@b.c> BODY=8BITMIME SIZE=3",
            "FROM",
            Ok(("a@b.c", &["BODY=8BITMIME", "SIZE=3"])),
        );
        check("TO:<\"a>b\"@c>", "TO", Ok(("\"a>b\"@c", &[])));
        check("TO:<ä@b>", "TO", Ok(("ä@b", &[])));
        check(
            "TO: <a@b>",
            "TO",
            Err("the address must follow the colon at once, in angle brackets"),
        );
        check(
            "TO:<root>",
            "TO",
            Err("an address has a local part, `@` and a domain"),
        );
        check(
            "TO:<a b@c>",
            "TO",
            Err("the local part is neither a dot-string nor quoted"),
        );
        check(
            "TO:<a..b@c>",
            "TO",
            Err("the local part is neither a dot-string nor quoted"),
        );
        check("TO:<a@b c>", "TO", Err("not a domain"));
        check("FROM:<a@b>", "TO", Err("expected TO:<address>"));
        check("TO:<a@b", "TO", Err("no closing angle bracket"));
    }
}
