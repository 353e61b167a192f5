//! A template of a section: compiled when the section is read, filled for each notification.

use std::fmt;

use handlebars::template::{HelperTemplate, Parameter, Template as Parsed, TemplateElement};
use handlebars::{
    Context, RenderContext, RenderErrorReason, Renderable as _, TemplateError, TemplateErrorReason,
};

use crate::vocabulary::{ENGINE, OF_TEXT, is_helper, is_own};

/// More levels of blocks and brackets than any template for people has. Parser
/// and renderer call themselves for each, so there must be an end before the
/// stack's.
const DEEPEST: usize = 64;

/// As many levels as are safe where they can only be counted in sum.
const MOST_LEVELS: usize = 256;

/// More tags than any template for people has. The parser looks at all that
/// came before for each, so many of them take long.
const MOST_TAGS: usize = 2000;

/// A compiled template. `Debug` does not show it: somebody may have written a secret into it.
#[derive(Clone, PartialEq)]
pub struct Template {
    parsed: Parsed,
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// All that is wrong with it, each with its line and column in the text:
    /// syntax, unknown helpers, helpers whose value can never be right,
    /// partials and decorators, of which there are none.
    pub fn compile(text: &str) -> Result<Self, Vec<String>> {
        if text.matches("{{").count() > MOST_TAGS {
            let reason = format!("the template has more than {MOST_TAGS} tags");
            return Err(vec![reason]);
        }
        if !nests_safely(text) {
            let reason = format!("the template nests deeper than {DEEPEST} levels");
            return Err(vec![reason]);
        }
        let parsed = Parsed::compile(text).map_err(|error| vec![unparsed(text, &error)])?;
        let mut walk = Walk::default();
        walk.template(&parsed);
        if walk.faults.is_empty() {
            Ok(Template { parsed })
        } else {
            Err(walk.faults)
        }
    }

    /// The text itself where it holds no tags.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &self.parsed.elements[..] {
            [] => Some(""),
            [TemplateElement::RawString(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills it in. What is missing is empty.
    ///
    /// # Errors
    /// What failed, with its place; it does not quote values.
    pub(crate) fn fill(&self, data: &Context) -> Result<String, String> {
        let mut state = RenderContext::new(None);
        let filled = self.parsed.renders(&ENGINE, data, &mut state);
        filled.map_err(|error| {
            let reason = match error.reason() {
                RenderErrorReason::Other(reason) => reason.clone(),
                other => sentence(&other.to_string()),
            };
            match (error.line_no, error.column_no) {
                (Some(line), Some(column)) => at((line, column), &reason),
                _ => reason,
            }
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(…)")
    }
}

/// Looks for what fails whenever it is reached.
#[derive(Default)]
struct Walk {
    place: (usize, usize),
    faults: Vec<String>,
}

impl Walk {
    fn template(&mut self, template: &Parsed) {
        let outer = self.place;
        for (index, element) in template.elements.iter().enumerate() {
            if let Some(place) = template.mapping.get(index) {
                self.place = (place.0, place.1);
            }
            self.element(element);
        }
        self.place = outer;
    }

    fn element(&mut self, element: &TemplateElement) {
        match element {
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                self.call(call, false);
            }
            TemplateElement::HelperBlock(call) => self.call(call, true),
            TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => {
                self.fault("there are no partials");
            }
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                self.fault("there are no decorators");
            }
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
            _ => self.fault("not a tag that is known"),
        }
    }

    fn call(&mut self, call: &HelperTemplate, block: bool) {
        let name = call.name.as_name().unwrap_or_default();
        let is_call = block || !call.params.is_empty() || !call.hash.is_empty();
        if is_call && !name.is_empty() && !is_helper(name) {
            self.fault(&format!("unknown helper `{name}`"));
        }
        if is_own(name) && call.params.is_empty() {
            self.fault(&format!("`{name}` needs a value"));
        }
        if OF_TEXT.contains(&name) {
            let given = call.params.first().and_then(never_text);
            if let Some(given) = given {
                self.fault(&format!("`{name}` needs a text, and {given}"));
            }
        }
        self.parameter(&call.name);
        for parameter in call.params.iter().chain(call.hash.values()) {
            self.parameter(parameter);
        }
        for part in [&call.template, &call.inverse].into_iter().flatten() {
            self.template(part);
        }
    }

    fn parameter(&mut self, parameter: &Parameter) {
        if let Parameter::Subexpression(expression) = parameter {
            self.element(&expression.element);
        }
    }

    fn fault(&mut self, reason: &str) {
        self.faults.push(at(self.place, reason));
    }
}

/// Says of a value that it is no text, when it never is one.
fn never_text(parameter: &Parameter) -> Option<String> {
    match parameter {
        Parameter::Literal(value) if !value.is_string() => Some(format!("`{value}` is none")),
        _ => match parameter.as_name()? {
            "timestamp" => Some("`timestamp` is a number".to_owned()),
            object @ ("fields" | "secrets") => Some(format!("`{object}` is an object")),
            _ => None,
        },
    }
}

fn unparsed(text: &str, error: &TemplateError) -> String {
    let reason = match (error.reason(), error.pos()) {
        // The parser lists the names of its grammar's rules, which help nobody.
        (TemplateErrorReason::InvalidSyntax(_), Some(place)) => match rest(text, place) {
            "" => "ends before every tag and block is closed".to_owned(),
            rest => format!("not Handlebars syntax from `{}`", rest.escape_debug()),
        },
        (reason, _) => sentence(&reason.to_string()),
    };
    match error.pos() {
        Some(place) => at(place, &reason),
        None => reason,
    }
}

/// At most 20 characters from a place on.
fn rest(text: &str, (line, column): (usize, usize)) -> &str {
    let line = text.split_inclusive('\n').nth(line.saturating_sub(1));
    let from = |text: &str, count| {
        let place = text.char_indices().nth(count);
        place.map_or(text.len(), |(at, _)| at)
    };
    let line = line.unwrap_or_default();
    let rest = &line[from(line, column.saturating_sub(1))..];
    &rest[..from(rest, 20)]
}

fn at((line, column): (usize, usize), reason: &str) -> String {
    format!("line {line}, column {column}: {reason}")
}

/// A message of the engine as one line that begins in lower case.
fn sentence(message: &str) -> String {
    let mut line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(first) = line.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    line
}

/// Whether a template nests no deeper than is safe, counting rather too much than
/// too little: each branch of a block counts as a level of it, and brackets in texts count too.
///
/// Where a text or a comment may hide where a tag ends, nothing is believed to
/// end, and all levels and brackets together must be few.
fn nests_safely(template: &str) -> bool {
    if hides_tags(template) {
        let opening = |byte: &u8| matches!(byte, b'(' | b'[');
        let blocks = tags(template).filter(|tag| opens(tag) || branches(tag));
        return blocks.count() + template.bytes().filter(|byte| opening(byte)).count()
            <= MOST_LEVELS;
    }
    let mut deepest = 0;
    // For each open block its levels: itself and its branches.
    let mut open: Vec<usize> = Vec::new();
    let mut levels = 0;
    for tag in tags(template) {
        if opens(tag) {
            open.push(1);
            levels += 1;
        } else if tag.starts_with('/') {
            levels -= open.pop().unwrap_or(0);
        } else if branches(tag)
            && let Some(block) = open.last_mut()
        {
            *block += 1;
            levels += 1;
        }
        deepest = deepest.max(levels + brackets(inside(tag)));
    }
    deepest <= DEEPEST
}

/// What follows after each beginning of a tag.
fn tags(template: &str) -> impl Iterator<Item = &str> {
    let begun = template.split("{{").skip(1);
    begun.map(|tag| tag.trim_start_matches(['{', '~', ' ', '\t', '\n', '\r']))
}

fn opens(tag: &str) -> bool {
    tag.starts_with('#')
}

/// `{{else if …}}` and `{{^if …}}` nest in what is parsed, though not in what is written.
fn branches(tag: &str) -> bool {
    tag.starts_with("else") || tag.starts_with('^')
}

fn inside(tag: &str) -> &str {
    tag.split("}}").next().unwrap_or_default()
}

/// Whether a tag may end elsewhere than at the first braces: in a comment, after a
/// text or brackets that hold braces, in a raw block, behind a backslash.
fn hides_tags(template: &str) -> bool {
    template.contains("{{{{")
        || template.contains("\\{{")
        || tags(template).any(|tag| {
            let tag = inside(tag);
            let odd = |mark: char| tag.matches(mark).count() % 2 == 1;
            let uneven =
                |open: char, close: char| tag.matches(open).count() != tag.matches(close).count();
            tag.starts_with('!') || odd('"') || odd('\'') || uneven('[', ']') || uneven('(', ')')
        })
}

fn brackets(tag: &str) -> usize {
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
    use super::Template;
    use handlebars::Context;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    fn data() -> Value {
        json!({
            "title": "Backup \"failed\"",
            "message": "a\n<b> & ä",
            "severity": "error",
            "timestamp": 1_704_700_800,
            "fields": { "type": "vzdump", "job-id": "backup-1", "hostname": "pve1" },
            "secrets": { "token": "s3cr3t" },
            "key": "id.chat",
        })
    }

    fn check(text: &str, expected: &str) {
        let context = Context::wraps(data()).expect("an object");
        let filled = Template::compile(text).map(|template| template.fill(&context));
        assert_eq!(filled, Ok(Ok(expected.to_owned())), "{text:?}");
    }

    #[test]
    fn the_data_of_proxmox_ve_is_there() {
        check(
            "{{ title }}|{{ severity }}|{{ timestamp }}",
            "Backup \"failed\"|error|1704700800",
        );
        check("{{ fields.hostname }} {{ fields.job-id }}", "pve1 backup-1");
        check("{{ secrets.token }} {{ key }}", "s3cr3t id.chat");
        check(
            "{{#each fields}}{{ @key }}={{ this }};{{/each}}",
            "hostname=pve1;job-id=backup-1;type=vzdump;",
        );
    }

    #[test]
    fn nothing_is_escaped_and_what_is_missing_is_empty() {
        check("{{ message }}", "a\n<b> & ä");
        check("{{{ message }}}", "a\n<b> & ä");
        check(
            "[{{ fields.none }}{{ nothing }}{{ secrets.none.at.all }}]",
            "[]",
        );
        check("\\{{ title }}", "{{ title }}");
    }

    #[test]
    fn the_helpers_of_handlebars_are_there() {
        check(
            "{{#if (eq severity \"error\")}}bad{{else}}good{{/if}}",
            "bad",
        );
        check("{{#unless (ne severity \"error\")}}a{{/unless}}", "a");
        check("{{#with fields}}{{ hostname }}{{/with}}", "pve1");
        check("{{ lookup fields \"type\" }} {{ len title }}", "vzdump 15");
        check(
            "{{ gt timestamp 1 }}{{ gte 1 1 }}{{ lt 1 2 }}{{ lte 2 1 }}",
            "truetruetruefalse",
        );
        check(
            "{{ and true false }}{{ or true false }}{{ not true }}",
            "falsetruefalse",
        );
        check("{{ log secrets.token }}", "");
    }

    #[test]
    fn url_encode_escapes_as_in_proxmox_ve() {
        check(
            "{{ url-encode \"a b:/?#[]@!$&'()*+,;=%\" }}",
            "a%20b%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25",
        );
        check("{{ url-encode '<>\\\\^`{|}~-._' }}", "<>\\^`{|}~-._");
        check(
            "{{ url-encode title }}|{{ url-encode message }}",
            "Backup%20\"failed\"|a%0A<b>%20%26%20%C3%A4",
        );
    }

    #[test]
    fn escape_and_json_make_json() {
        check(
            "\"{{ escape title }}\" {{ escape message }}",
            r#""Backup \"failed\"" a\n<b> & ä"#,
        );
        check(
            "{{ json title }} {{ json timestamp }} {{ json none }}",
            r#""Backup \"failed\"" 1704700800 null"#,
        );
        check(
            "{{ json fields }}",
            r#"{"hostname":"pve1","job-id":"backup-1","type":"vzdump"}"#,
        );
    }

    fn refused(text: &str, expected: &[&str]) {
        let refused = Template::compile(text).expect_err(text);
        assert_eq!(refused, expected, "{text:?}");
    }

    #[test]
    fn a_template_that_is_wrong_says_where() {
        refused(
            "a\n  {{ nohelper title }}",
            &["line 2, column 3: unknown helper `nohelper`"],
        );
        refused(
            "{{ title",
            &["line 1, column 9: ends before every tag and block is closed"],
        );
        refused(
            "a\n{{ title ! }}",
            &["line 2, column 10: not Handlebars syntax from `! }}`"],
        );
        refused(
            "{{#if title}}a",
            &["line 1, column 15: ends before every tag and block is closed"],
        );
        refused(
            "{{#if a}}x{{/each}}",
            &["line 1, column 11: helper \"if\" was opened, but \"each\" is closing"],
        );
        refused(
            "{{> head }}{{#> head}}{{/head}}",
            &[
                "line 1, column 1: there are no partials",
                "line 1, column 12: there are no partials",
            ],
        );
        refused(
            "{{#*inline \"a\"}}{{/inline}}",
            &["line 1, column 1: there are no decorators"],
        );
    }

    #[test]
    fn all_faults_of_a_template_are_told() {
        refused(
            "{{#if (nope title)}}{{ url-encode timestamp }}{{else}}{{ escape fields }}{{/if}}{{ json }}{{ escape 5 }}",
            &[
                "line 1, column 1: unknown helper `nope`",
                "line 1, column 21: `url-encode` needs a text, and `timestamp` is a number",
                "line 1, column 55: `escape` needs a text, and `fields` is an object",
                "line 1, column 81: `json` needs a value",
                "line 1, column 91: `escape` needs a text, and `5` is none",
            ],
        );
    }

    #[test]
    fn what_fails_with_these_data_only_says_where_and_quotes_nothing() {
        let context = Context::wraps(data()).expect("an object");
        let template = Template::compile("{{ title }}\n {{ url-encode fields.vmid }}");
        let failed = template.expect("good by itself").fill(&context);
        let reason = "line 2, column 2: `url-encode` needs a text, and `fields.vmid` is missing";
        assert_eq!(failed, Err(reason.to_owned()));
    }

    #[test]
    fn deep_nesting_is_refused_and_length_is_not() {
        for level in ["{{#if a}}", "{{~#if a}}", "{{{{#if a}}}}"] {
            let reason = ["the template nests deeper than 64 levels"];
            refused(&level.repeat(1000), &reason);
        }
        let chain = format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}x".repeat(1000));
        refused(&chain, &["the template nests deeper than 64 levels"]);
        refused(
            &format!("{{{{ x {}", "(y ".repeat(10_000)),
            &["the template nests deeper than 64 levels"],
        );
        let hidden = [
            format!(
                "{{{{ json \"}}}}\" {}1{} }}}}",
                "(eq 1 ".repeat(1500),
                ")".repeat(1500)
            ),
            format!(
                "{{{{ json {}1{} }}}}",
                "(eq \"{{\" ".repeat(500),
                ")".repeat(500)
            ),
            format!(
                "{}x{}",
                "{{#if title}}{{!--{{/if}}--}}".repeat(300),
                "{{/if}}".repeat(300)
            ),
        ];
        for hidden in hidden {
            refused(&hidden, &["the template nests deeper than 64 levels"]);
        }
        check(&format!("{{{{!-- {} --}}}}x", "{{#if a}}".repeat(70)), "x");
        check("{{!-- it's --}}{{ escape \"}}\" }}(", "}}(");
        let many = "{{ title }}".repeat(2001);
        refused(&many, &["the template has more than 2000 tags"]);
        let long = "{{#if title}}x{{else}}{{escape title}}{{/if}}".repeat(400);
        check(&long, &"x".repeat(400));
        let deep = format!("{}x{}", "{{#if title}}".repeat(60), "{{/if}}".repeat(60));
        check(&deep, "x");
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "([{}#/~^ a-z\"()]|\\{\\{|\\}\\}|\\{\\{#if a\\}\\}){0,40}|\\PC{0,60}") {
            if let Ok(template) = Template::compile(&text) {
                let _ = template.fill(&Context::wraps(data()).expect("an object"));
            }
        }

        #[test]
        fn escaped_text_stays_one_json_string(message in any::<String>()) {
            let context = Context::wraps(json!({ "message": message })).expect("an object");
            let template = Template::compile("{\"text\":\"{{ escape message }}\",\"again\":{{ json message }}}");
            let body = template.expect("good").fill(&context).expect("a text");
            let read: Value = serde_json::from_str(&body).expect("JSON");
            prop_assert_eq!(&read, &json!({ "text": message, "again": message }));
        }

        #[test]
        fn an_encoded_text_stays_one_segment(message in any::<String>()) {
            let context = Context::wraps(json!({ "message": message })).expect("an object");
            let template = Template::compile("{{ url-encode message }}").expect("good");
            let encoded = template.fill(&context).expect("a text");
            let url = notify_http::Url::parse(&format!("http://h/?a={encoded}&b=c")).expect("a URL");
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, [("a".to_owned(), message), ("b".to_owned(), "c".to_owned())]);
        }
    }
}
