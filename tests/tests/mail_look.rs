//! HTML mails in a real browser: nothing is cut off, everything can be read.

use notify_testkit::real::{Chromium, View};
use notify_tests::mails::{KINDS, case, html, report};
use serde_json::{Value, json};

const FAILED: [u64; 3] = [137, 500, 1099];

const DESK: u32 = 800;
const PHONE: u32 = 390;

/// Writes what it sees into the page.
///
/// Contrast is that of WCAG 2.2: of each text with the next opaque ground behind it.
const MEASURE: &str = r#"<script>
const rgba = text => text.match(/[\d.]+/g).map(Number);
const luminance = text => {
  const [r, g, b] = rgba(text).slice(0, 3).map(value => {
    value /= 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const ground = element => {
  for (; element; element = element.parentElement) {
    const color = getComputedStyle(element).backgroundColor;
    if (rgba(color)[3] !== 0) return color;
  }
  return 'rgb(255, 255, 255)';
};
const has_text = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
const texts = [...document.body.querySelectorAll('*')].filter(element => element.tagName !== 'SCRIPT' && has_text(element));
const contrasts = texts.map(element => contrast(getComputedStyle(element).color, ground(element)));
const boxes = texts.map(element => element.getBoundingClientRect());
const failed = document.querySelector('.n-failed');
const seen = {
  window: innerWidth,
  page: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
  right: Math.max(...boxes.map(box => box.right)),
  contrast: Math.min(...contrasts),
  ground: luminance(getComputedStyle(document.body).backgroundColor),
  texts: texts.length,
  failed: failed && [...failed.querySelectorAll('td:first-child')].map(cell => cell.innerText),
  bottom: failed && failed.getBoundingClientRect().bottom,
};
const out = document.createElement('pre');
out.id = 'seen';
out.textContent = JSON.stringify(seen);
document.body.append(out);
</script>"#;

/// What a browser sees of a page.
fn seen(html: &str, width: u32, dark: bool) -> Value {
    let view = View {
        width,
        height: 900,
        dark,
    };
    let page = html.replace("</body>", &format!("{MEASURE}</body>"));
    let dom = Chromium::find().dom(&page, view);
    let (_, rest) = dom
        .split_once("<pre id=\"seen\">")
        .expect("the script has run");
    let (seen, _) = rest.split_once("</pre>").expect("an element ends");
    serde_json::from_str(seen).expect("the script writes JSON")
}

/// As a mail client that removes `style` elements shows it.
fn without_style(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").expect("a page has a style");
    let (_, after) = rest.split_once("</style>").expect("an element ends");
    format!("{before}{after}")
}

fn number(seen: &Value, name: &str) -> f64 {
    seen[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name}: {seen}"))
}

/// Nothing is beyond the right edge, and every text stands out from its ground.
#[track_caller]
fn assert_readable(seen: &Value, width: u32) {
    assert_eq!(number(seen, "window"), f64::from(width), "{seen}");
    assert!(number(seen, "page") <= f64::from(width), "{seen}");
    assert!(number(seen, "right") <= f64::from(width), "{seen}");
    assert!(number(seen, "contrast") >= 4.5, "{seen}");
    assert!(number(seen, "texts") > 3.0, "{seen}");
}

#[track_caller]
fn assert_is_dark(seen: &Value, dark: bool) {
    let ground = number(seen, "ground");
    assert!(if dark { ground < 0.05 } else { ground > 0.8 }, "{seen}");
}

#[test]
fn every_kind_is_readable_on_desk_and_phone_by_day_and_by_night() {
    for kind in KINDS {
        let html = html(kind, &case(kind));
        for (width, dark) in [(DESK, true), (PHONE, false)] {
            let seen = seen(&html, width, dark);
            assert_readable(&seen, width);
            assert_is_dark(&seen, dark);
        }
    }
}

#[test]
fn a_report_of_1000_guests_shows_who_failed_first() {
    let html = html("vzdump", &report(1000, &FAILED));
    for (width, dark) in [(DESK, false), (PHONE, true)] {
        let seen = seen(&html, width, dark);
        assert_readable(&seen, width);
        assert_is_dark(&seen, dark);
        let names = FAILED.map(|vmid| vmid.to_string());
        assert_eq!(seen["failed"], json!(names));
        // On the first screen, without scrolling.
        assert!(number(&seen, "bottom") <= 900.0, "{seen}");
    }
}

/// Some mail clients remove the `style` element.
#[test]
fn a_report_of_1000_guests_survives_without_its_style_element() {
    let html = html("vzdump", &report(1000, &FAILED));
    let bare = without_style(&html);
    for width in [DESK, PHONE] {
        let seen = seen(&bare, width, true);
        assert_readable(&seen, width);
        assert_is_dark(&seen, false);
        assert!(number(&seen, "bottom") <= 900.0, "{seen}");
    }
}

/// Gmail shows no more than the first 102 kB of a mail.
#[test]
fn who_failed_stands_before_the_place_where_gmail_cuts() {
    let html = html("vzdump", &report(1000, &FAILED));
    let place = html
        .find("<td>1099</td>")
        .expect("the last of those that failed");
    assert!(place < 10_000, "{place}");
    let of_one = self::html("vzdump", &report(1, &[]));
    let each = (html.len() - of_one.len()) / 1000;
    // About 70 of the logs, 110 of values; the rest is markup.
    assert!(each < 320, "{each} bytes a guest");
}
