//! The `html-page` helper: the one look of all mails.
//!
//! A page is a bar in the colour of the severity, a card with the content, and
//! a foot that names the host. It has to survive mail clients: the layout is
//! tables, all that matters stands in `style` attributes, and the `style`
//! element only adds what a client without it can do without, which is the dark
//! scheme and the form of wide tables on a phone.

use std::sync::LazyLock;

use serde_json::Value;

use crate::escape::escape_into;

/// The colours of a scheme, as `#rrggbb`.
#[derive(Debug)]
pub(crate) struct Scheme {
    /// Around the card.
    pub(crate) back: &'static str,
    /// Of the card.
    pub(crate) card: &'static str,
    /// On the card.
    pub(crate) text: &'static str,
    /// On the back, for what is said by the way.
    pub(crate) muted: &'static str,
    /// Between the rows of a table.
    pub(crate) line: &'static str,
    /// Behind what failed.
    pub(crate) failed: &'static str,
    /// On that.
    pub(crate) failed_text: &'static str,
}

/// The colours that stand in the `style` attributes.
pub(crate) const LIGHT: Scheme = Scheme {
    back: "#eef0f3",
    card: "#ffffff",
    text: "#1f2328",
    muted: "#57606a",
    line: "#d0d7de",
    failed: "#fff0ee",
    failed_text: "#7d1a12",
};

/// The colours that take their place where the reader wants a dark screen.
pub(crate) const DARK: Scheme = Scheme {
    back: "#0f1216",
    card: "#1b1f25",
    text: "#e6e8eb",
    muted: "#a3abb5",
    line: "#3d4550",
    failed: "#3a1816",
    failed_text: "#ffb3ab",
};

/// On the bar, in both schemes.
const BAR_TEXT: &str = "#ffffff";

/// The edge of a table of what failed, in both schemes.
pub(crate) const FAILED_EDGE: &str = "#d1352b";

/// The colour of the bar, in both schemes.
fn bar(severity: &str) -> &'static str {
    match severity {
        "info" => "#0f766e",
        "notice" => "#1d4ed8",
        "warning" => "#a4510b",
        "error" => "#b91c1c",
        _ => "#4b5563",
    }
}

/// Everything before the title.
static HEAD: LazyLock<String> = LazyLock::new(|| {
    let Scheme {
        back,
        card,
        text,
        muted,
        line,
        failed,
        failed_text,
    } = DARK;
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <style>\n\
         :root{{color-scheme:light dark}}\n\
         @media (prefers-color-scheme:dark){{\n\
         .n-back{{background:{back}!important}}\n\
         .n-card{{background:{card}!important;color:{text}!important}}\n\
         .n-foot{{color:{muted}!important}}\n\
         .n-rows{{border-color:{line}!important}}\n\
         .n-failed{{background:{failed}!important;color:{failed_text}!important;border-left-color:{FAILED_EDGE}!important}}\n\
         }}\n\
         @media (max-width:480px){{\n\
         .n-bar,.n-foot{{padding:12px!important}}\n\
         .n-card{{padding:4px 12px 14px!important}}\n\
         .n-wide,.n-wide tbody{{display:block}}\n\
         .n-wide tr{{display:grid;grid-template-columns:repeat(var(--n),1fr);border-bottom:1px solid;border-color:inherit}}\n\
         .n-wide tr:last-child{{border-bottom:0}}\n\
         .n-wide td,.n-wide th{{border:0}}\n\
         .n-wide td:last-child{{grid-column:1/-1;padding-top:0}}\n\
         .n-wide th:last-child{{display:none}}\n\
         }}\n\
         </style>\n"
    )
});

/// What a page shows beside its content.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    title: String,
    severity: &'a str,
    host: &'a str,
    cluster: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// A page of this title; the rest comes from the variables that all events have.
    pub(crate) fn new(title: String, data: &'a Value) -> Self {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        Page {
            title: capitalized(title),
            severity: text("severity").unwrap_or_default(),
            host: text("fqdn").or(text("hostname")).unwrap_or_default(),
            cluster: text("cluster-name"),
        }
    }

    /// Everything before the content.
    pub(crate) fn begin(&self) -> String {
        let Scheme {
            back, card, text, ..
        } = LIGHT;
        let mut out = String::with_capacity(HEAD.len() + 1536);
        out.push_str(&HEAD);
        out.push_str("<title>");
        escape_into(&self.title, &mut out);
        out.push_str(
            "</title>\n</head>\n<body class=\"n-back\" style=\"margin:0;padding:0;background:",
        );
        out.push_str(back);
        out.push_str(
            "\">\n<table role=\"presentation\" class=\"n-back\" width=\"100%\" cellpadding=\"0\" \
             cellspacing=\"0\" style=\"background:",
        );
        out.push_str(back);
        out.push_str(
            "\">\n<tr><td align=\"center\" style=\"padding:16px 8px\">\n\
             <!--[if mso]><table role=\"presentation\" width=\"720\"><tr><td><![endif]-->\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
             style=\"max-width:720px;font:14px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif\">\n\
             <tr><td class=\"n-bar\" style=\"padding:14px 16px;border-radius:6px 6px 0 0;background:",
        );
        out.push_str(bar(self.severity));
        out.push_str(";color:");
        out.push_str(BAR_TEXT);
        out.push_str("\">\n");
        if !self.severity.is_empty() {
            out.push_str("<div style=\"font-size:12px\"><span style=\"letter-spacing:1px;text-transform:uppercase\">");
            escape_into(self.severity, &mut out);
            out.push_str("</span>");
            if !self.host.is_empty() {
                out.push_str(" &middot; ");
                escape_into(self.host, &mut out);
            }
            out.push_str("</div>\n");
        }
        out.push_str(
            "<h1 style=\"margin:0;font-size:19px;line-height:1.3;word-break:break-word\">",
        );
        escape_into(&self.title, &mut out);
        out.push_str(
            "</h1>\n</td></tr>\n<tr><td class=\"n-card\" style=\"padding:6px 16px 18px;\
             border-radius:0 0 6px 6px;word-break:break-word;background:",
        );
        out.push_str(card);
        out.push_str(";color:");
        out.push_str(text);
        out.push_str("\">\n");
        out
    }

    /// Everything after the content.
    pub(crate) fn end(&self) -> String {
        let mut out = String::from("</td></tr>\n");
        if !self.host.is_empty() {
            out.push_str(
                "<tr><td class=\"n-foot\" style=\"padding:10px 16px;font-size:12px;color:",
            );
            out.push_str(LIGHT.muted);
            out.push_str("\">");
            escape_into(self.host, &mut out);
            if let Some(cluster) = self.cluster {
                out.push_str(" &middot; cluster ");
                escape_into(cluster, &mut out);
            }
            out.push_str("</td></tr>\n");
        }
        out.push_str(
            "</table>\n<!--[if mso]></td></tr></table><![endif]-->\n</td></tr>\n</table>\n</body>\n</html>\n",
        );
        out
    }
}

/// The text beginning with a capital, because a title may be a word of the data.
fn capitalized(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{BAR_TEXT, DARK, FAILED_EDGE, LIGHT, Page, bar};
    use notify_core::Severity;
    use serde_json::json;

    /// The relative luminance of WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let hex = colour.get(at..at + 2).expect("#rrggbb");
            let value = f64::from(u8::from_str_radix(hex, 16).expect("#rrggbb")) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    /// From 1, the same, to 21, black on white.
    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[track_caller]
    fn check(text: &str, ground: &str, least: f64) {
        let contrast = contrast(text, ground);
        assert!(contrast >= least, "{text} on {ground}: {contrast:.2}");
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.001);
        assert!((contrast("#777777", "#ffffff") - 4.48).abs() < 0.01);
    }

    /// WCAG 2.2, 1.4.3: 4.5 for texts.
    #[test]
    fn texts_stand_out_from_their_ground() {
        for scheme in [LIGHT, DARK] {
            check(scheme.text, scheme.card, 7.0);
            check(scheme.text, scheme.back, 7.0);
            check(scheme.muted, scheme.back, 4.5);
            check(scheme.failed_text, scheme.failed, 4.5);
        }
        for severity in Severity::ALL {
            check(BAR_TEXT, bar(severity.name()), 4.5);
        }
        check(BAR_TEXT, bar(""), 4.5);
    }

    /// WCAG 2.2, 1.4.11: 3 for what is no text and must be seen.
    #[test]
    fn the_edge_of_what_failed_is_seen() {
        for scheme in [LIGHT, DARK] {
            check(FAILED_EDGE, scheme.failed, 3.0);
            check(FAILED_EDGE, scheme.card, 3.0);
        }
    }

    #[test]
    fn each_severity_has_a_bar_of_its_own() {
        let mut bars = Severity::ALL.map(|severity| bar(severity.name()));
        bars.sort_unstable();
        assert!(bars.windows(2).all(|pair| pair[0] != pair[1]), "{bars:?}");
    }

    #[test]
    fn nothing_of_the_data_is_markup() {
        let data = json!({"severity": "<s>", "fqdn": "<f>", "cluster-name": "<c>"});
        let page = Page::new("<t>".to_owned(), &data);
        let html = page.begin() + &page.end();
        for mark in ["<s>", "<f>", "<c>", "<t>"] {
            assert!(!html.contains(mark), "{mark}");
            assert!(html.contains(&mark.replace('<', "&lt;").replace('>', "&gt;")));
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let data = json!({});
        let page = Page::new("ärger".to_owned(), &data);
        assert!(page.begin().contains("<h1 style="));
        assert!(!page.begin().contains("uppercase"));
        assert!(!page.end().contains("n-foot"));
        assert!(page.begin().contains("<title>ärger</title>"));
        let page = Page::new("backup failed".to_owned(), &data);
        assert!(page.begin().contains("<title>Backup failed</title>"));
    }
}
