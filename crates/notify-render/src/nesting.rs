//! How deep a template nests, counted before it is parsed.
//!
//! The parser and the renderer call themselves for each level, so a file of
//! nothing but `{{#if a}}` would otherwise exhaust the stack and end the program.

/// More levels than any template for people has.
const DEEPEST: usize = 64;

/// As many levels as are safe where they can only be counted in sum.
const MOST_LEVELS: usize = 256;

/// Whether blocks, `else if` chains and brackets nest no deeper than is safe.
///
/// Counts too much rather than too little: brackets in strings count as well.
/// Where a text or a comment may hide where a tag ends, nothing is believed to
/// end, and all levels and brackets together must be few.
pub(crate) fn is_safe(template: &str) -> bool {
    if hides_tags(template) {
        let opening = |byte: &u8| matches!(byte, b'(' | b'[');
        let blocks = tags(template).filter(|tag| tag.starts_with('#') || is_branch(tag));
        return blocks.count() + template.bytes().filter(|byte| opening(byte)).count()
            <= MOST_LEVELS;
    }
    // For each open block, the levels that it holds: itself and its `else` branches.
    let mut open: Vec<usize> = Vec::new();
    let mut levels = 0;
    for tag in tags(template) {
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

/// What follows after each beginning of a tag.
fn tags(template: &str) -> impl Iterator<Item = &str> {
    let begun = template.split("{{").skip(1);
    begun.map(|tag| tag.trim_start_matches(['{', '~', ' ', '\t', '\n', '\r']))
}

/// `{{else if …}}` and `{{^if …}}` nest in what is parsed, though not in what is written.
fn is_branch(tag: &str) -> bool {
    tag.starts_with("else") || tag.starts_with('^')
}

/// Whether a tag may end elsewhere than at the first braces: in a comment, after a
/// text or brackets that hold braces, in a raw block, behind a backslash.
fn hides_tags(template: &str) -> bool {
    template.contains("{{{{")
        || template.contains("\\{{")
        || tags(template).any(|tag| {
            let tag = tag.split_once("}}").map_or(tag, |(tag, _)| tag);
            let odd = |mark: char| tag.matches(mark).count() % 2 == 1;
            let uneven =
                |open: char, close: char| tag.matches(open).count() != tag.matches(close).count();
            tag.starts_with('!') || odd('"') || odd('\'') || uneven('[', ']') || uneven('(', ')')
        })
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
        assert!(is_safe("{{!-- isn't it --}}{{#if a}}x{{/if}}"));
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
        let hidden = [
            format!("{{{{x \"}}}}\" {}}}}}", "(eq 1 ".repeat(1500)),
            format!("{{{{x {}}}}}", "(eq \"{{\" ".repeat(1500)),
            "{{#if a}}{{!--{{/if}}--}}".repeat(1500),
        ];
        for hidden in hidden {
            assert!(!is_safe(&hidden), "{hidden:.40}");
        }
    }
}
