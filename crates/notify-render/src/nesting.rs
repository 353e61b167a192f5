//! How deep a template nests, counted before it is parsed.
//!
//! The parser and the renderer call themselves for each level, so a file of
//! nothing but `{{#if a}}` would otherwise exhaust the stack and end the program.

/// More levels than any template for people has.
const DEEPEST: usize = 64;

/// Whether blocks, `else if` chains and brackets nest no deeper than is safe.
///
/// Counts too much rather than too little: brackets in strings count as well.
pub(crate) fn is_safe(template: &str) -> bool {
    // For each open block, the levels that it holds: itself and its `else` branches.
    let mut open: Vec<usize> = Vec::new();
    let mut levels = 0;
    for tag in template.split("{{").skip(1) {
        let tag = tag.trim_start_matches(['{', '~']);
        if brackets(tag) > DEEPEST {
            return false;
        }
        match tag.as_bytes().first() {
            Some(b'#') => {
                open.push(1);
                levels += 1;
            }
            Some(b'/') => levels -= open.pop().unwrap_or(0),
            _ if is_branch(tag) => {
                if let Some(block) = open.last_mut() {
                    *block += 1;
                    levels += 1;
                }
            }
            _ => {}
        }
        if levels > DEEPEST {
            return false;
        }
    }
    true
}

/// `{{else if …}}` and `{{^if …}}` nest in what is parsed, though not in what is written.
fn is_branch(tag: &str) -> bool {
    tag.trim_start().starts_with("else") || tag.starts_with('^')
}

/// The deepest nesting of brackets in a tag.
fn brackets(tag: &str) -> usize {
    let tag = tag.split_once("}}").map_or(tag, |(tag, _)| tag);
    let (mut deepest, mut depth) = (0_usize, 0_usize);
    for byte in tag.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn long_is_not_deep() {
        assert!(is_safe(&"{{#if a}}x{{else if b}}y{{/if}}".repeat(1000)));
        assert!(is_safe(&":( ".repeat(1000)));
        assert!(is_safe(&"{{/if}}".repeat(1000)));
    }

    #[test]
    fn deep_is_refused() {
        for level in [
            "{{#if a}}",
            "{{~#if a}}",
            "{{#*inline \"a\"}}",
            "{{{{#if a}}}}",
        ] {
            assert!(!is_safe(&level.repeat(1000)), "{level}");
        }
        let chain = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}x".repeat(1000));
        assert!(!is_safe(&chain));
        assert!(!is_safe(&format!("{{{{x {}", "(y ".repeat(1000))));
        assert!(!is_safe(&format!("{{{{x {}", "[".repeat(1000))));
    }
}
