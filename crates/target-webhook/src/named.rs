//! The secrets that a template names.

use std::collections::BTreeSet;

use handlebars::template::{HelperTemplate, Parameter, Template, TemplateElement};

/// The names in all paths `secrets.NAME` and `secrets.[NAME]` of a template that compiles.
///
/// What is looked up in another way, as in `with secrets`, is not found.
/// A text that does not compile names none.
pub(crate) fn secrets(template: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Ok(parsed) = Template::compile(template) {
        of_template(&parsed, &mut names);
    }
    names
}

fn of_template(template: &Template, names: &mut BTreeSet<String>) {
    for element in &template.elements {
        of_element(element, names);
    }
}

fn of_element(element: &TemplateElement, names: &mut BTreeSet<String>) {
    if let TemplateElement::Expression(call)
    | TemplateElement::HtmlExpression(call)
    | TemplateElement::HelperBlock(call) = element
    {
        of_call(call, names);
    }
}

fn of_call(call: &HelperTemplate, names: &mut BTreeSet<String>) {
    let parameters = call.params.iter().chain(call.hash.values());
    for parameter in parameters.chain([&call.name]) {
        match parameter {
            Parameter::Subexpression(expression) => of_element(&expression.element, names),
            other => names.extend(other.as_name().and_then(of_path)),
        }
    }
    for part in [&call.template, &call.inverse].into_iter().flatten() {
        of_template(part, names);
    }
}

/// `token` of `secrets.token`, `secrets/token`, `@root.secrets.[token]`, `../secrets.token`.
fn of_path(path: &str) -> Option<String> {
    let mut path = path;
    while let Some(rest) = ["@root.", "@root/", "this.", "this/", "../", "./"]
        .iter()
        .find_map(|start| path.strip_prefix(start))
    {
        path = rest;
    }
    let name = path.strip_prefix("secrets")?.strip_prefix(['.', '/'])?;
    let name = match name.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => name.split(['.', '/']).next(),
    };
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::secrets;

    fn check(template: &str, expected: &[&str]) {
        let found: Vec<_> = secrets(template).into_iter().collect();
        assert_eq!(found, expected, "{template}");
    }

    #[test]
    fn every_path_to_a_secret_is_found() {
        check("{{ secrets.token }}", &["token"]);
        check(
            "{{{ secrets.token }}}{{secrets.other}}",
            &["other", "token"],
        );
        check("{{ secrets.[my token] }}", &["my token"]);
        check("{{ secrets/token }}", &["token"]);
        check(
            "{{ @root.secrets.token }}{{ this.secrets.a }}",
            &["a", "token"],
        );
        check("{{ url-encode secrets.token }}", &["token"]);
        check("{{ escape (lookup secrets.a secrets.b) }}", &["a", "b"]);
        check(
            "{{#if secrets.a}}{{ secrets.b }}{{else}}{{ secrets.c }}{{/if}}",
            &["a", "b", "c"],
        );
        check("{{#each fields}}{{ ../secrets.a }}{{/each}}", &["a"]);
    }

    #[test]
    fn what_is_no_path_to_a_secret_is_left_alone() {
        check("https://h/secrets.token/{{ title }}", &[]);
        check("{{!-- {{ secrets.token }} --}}{{! secrets.token }}", &[]);
        check("{{ json \"secrets.token\" }}", &[]);
        check(r"\{{ secrets.token }}", &[]);
        check(
            "{{ fields.secrets.token }}{{ secretsx.a }}{{ json secrets }}",
            &[],
        );
        check("{{ secrets.token", &[]);
    }
}
