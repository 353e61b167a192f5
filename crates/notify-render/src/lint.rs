//! What a parsed template would fail on, told without rendering it.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::template::{
    DecoratorTemplate, HelperTemplate, Parameter, Template, TemplateElement,
};

use crate::vocabulary::{is_helper, own_helpers};

/// Something wrong, and where: line and column from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) at: (u32, u32),
    pub(crate) message: String,
}

/// What a walk through a template finds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Calls that fail when they are reached: unknown helpers, partials, decorators, missing values.
    pub(crate) calls: Vec<Finding>,
    /// Inline partials that include themselves, which would never end.
    pub(crate) endless: Option<Finding>,
}

/// Walks through a template.
pub(crate) fn findings(template: &Template) -> Findings {
    let mut walk = Walk::default();
    walk.template(template);
    walk.finish()
}

type Includes = BTreeMap<String, BTreeSet<Option<String>>>;

#[derive(Default)]
struct Walk {
    at: (u32, u32),
    /// The inline partial whose body is walked through.
    inside: Option<String>,
    /// Inline partials: where each stands.
    partials: BTreeMap<String, (u32, u32)>,
    /// What each inline partial includes; none as a name means any.
    includes: Includes,
    /// Includes of literal names, to look up when all partials are known.
    wanted: Vec<(Finding, String)>,
    found: Findings,
}

impl Walk {
    fn template(&mut self, template: &Template) {
        let outer = self.at;
        for (at, element) in template.elements.iter().enumerate() {
            if let Some(place) = template.mapping.get(at) {
                let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                self.at = (number(place.0), number(place.1));
            }
            self.element(element);
        }
        self.at = outer;
    }

    fn element(&mut self, element: &TemplateElement) {
        match element {
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                self.call(call, false);
            }
            TemplateElement::HelperBlock(call) => self.call(call, true),
            TemplateElement::DecoratorExpression(call) | TemplateElement::DecoratorBlock(call) => {
                self.decorator(call);
            }
            TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) => {
                self.include(call);
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &HelperTemplate, block: bool) {
        let named = call.name.as_name().unwrap_or_default();
        let is_call = block || !call.params.is_empty() || !call.hash.is_empty();
        if is_call && !named.is_empty() && !is_helper(named) {
            self.find(format!("unknown helper `{named}`"));
        }
        if !is_call && own_helpers().any(|helper| helper == named) {
            self.find(format!(
                "helper `{named}` needs a value; a variable of that name is `this.{named}`"
            ));
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

    fn decorator(&mut self, call: &DecoratorTemplate) {
        let named = call.name.as_name().unwrap_or_default();
        if named != "inline" {
            self.find(format!("unknown decorator `{named}`"));
        }
        let partial = match call.params.first() {
            Some(Parameter::Literal(name)) => name.as_str().map(str::to_owned),
            _ => None,
        };
        let outer = self.inside.clone();
        if let Some(partial) = partial {
            self.partials.insert(partial.clone(), self.at);
            self.inside = Some(partial);
        }
        if let Some(body) = &call.template {
            self.template(body);
        }
        self.inside = outer;
    }

    fn include(&mut self, call: &DecoratorTemplate) {
        let name = call.name.as_name().map(str::to_owned);
        if name.as_deref() != Some("@partial-block") {
            if let Some(name) = name.clone().filter(|_| call.template.is_none()) {
                self.wanted
                    .push((self.finding(format!("unknown partial `{name}`")), name));
            }
            if let Some(inside) = &self.inside {
                self.includes
                    .entry(inside.clone())
                    .or_default()
                    .insert(name);
            }
        }
        for parameter in call.params.iter().chain(call.hash.values()) {
            self.parameter(parameter);
        }
        if let Some(body) = &call.template {
            self.template(body);
        }
    }

    fn find(&mut self, message: String) {
        let finding = self.finding(message);
        self.found.calls.push(finding);
    }

    fn finding(&self, message: String) -> Finding {
        Finding {
            at: self.at,
            message,
        }
    }

    fn finish(mut self) -> Findings {
        let unknown = self
            .wanted
            .iter()
            .filter(|(_, name)| !self.partials.contains_key(name))
            .map(|(finding, _)| finding.clone());
        self.found.calls.extend(unknown);
        let endless = self
            .partials
            .iter()
            .find(|(name, _)| reaches_itself(&self.includes, name));
        self.found.endless = endless.map(|(name, at)| Finding {
            at: *at,
            message: format!("partial `{name}` includes itself"),
        });
        self.found
    }
}

fn reaches_itself(includes: &Includes, start: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut ahead = vec![start];
    while let Some(name) = ahead.pop() {
        for next in includes.get(name).into_iter().flatten() {
            match next.as_deref() {
                // A name that is computed may be any.
                None => return true,
                Some(next) if next == start => return true,
                Some(next) if seen.insert(next) => ahead.push(next),
                Some(_) => {}
            }
        }
    }
    false
}
