//! The first page in a real browser: that it looks right to everybody, and that its buttons copy.

use crate::stoa_of_release;
use serde_json::Value;
use std::path::PathBuf;
use testkit::{
    browser::{Browser, Setup},
    skip_or_fail,
    stoa::StoaProcess,
};

/// What automatic checkers of accessibility look at first, worked out in the page: each fault as a sentence.
const FAULTS: &str = r#"
const faults = [];
const fault = (text) => faults.push(text);
if (!document.documentElement.lang) fault("the page has no language");
if (!document.title) fault("the page has no title");
const all = (selector) => [...document.querySelectorAll(selector)];
const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
if (levels.filter((level) => level === 1).length !== 1) fault("there is not one h1");
levels.reduce((before, level) => {
  if (level > before + 1) fault(`h${level} follows h${before}`);
  return level;
}, 0);
const ids = all("[id]").map((element) => element.id);
if (new Set(ids).size !== ids.length) fault("an id is there twice");
for (const element of all("[aria-labelledby]"))
  if (!document.getElementById(element.getAttribute("aria-labelledby"))) fault("a label is missing");
for (const element of all("button, a"))
  if (!(element.getAttribute("aria-label") || element.textContent.trim())) fault("a control has no name");
const names = all("button").map((button) => button.getAttribute("aria-label"));
if (new Set(names).size !== names.length) fault("two buttons have one name");
if (document.documentElement.scrollWidth > innerWidth) fault("the page is wider than the window");
for (const mark of ["main", "header", "footer"])
  if (all(mark).length !== 1) fault(`there is not one ${mark}`);

const parse = (color) => {
  const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
  return { channels: [red, green, blue], alpha };
};
const luminance = (channels) => {
  const [red, green, blue] = channels.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const paper = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const { channels, alpha } = parse(getComputedStyle(at).backgroundColor);
    if (alpha === 1) return channels;
    if (alpha !== 0) fault("a background is half transparent");
  }
  return [255, 255, 255];
};
let seen = 0;
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || element.closest("script, style, .unseen")) continue;
  const [light, dark] = [luminance(parse(getComputedStyle(element).color).channels), luminance(paper(element))]
    .sort((one, other) => other - one);
  const contrast = (light + 0.05) / (dark + 0.05);
  seen += 1;
  // WCAG 2.2, success criterion 1.4.3.
  if (contrast < 4.5) fault(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data.trim()}`);
}
if (seen < 30) fault("hardly any text was looked at");
return faults;
"#;

/// A page of everything: private patterns, and an address that others can reach.
fn server() -> StoaProcess {
    stoa_of_release()
        .environment("STOA_UPSTREAM__PRIVATE", "git.secret.test")
        .start()
}

fn pictures() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("first-page");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

#[test]
fn it_is_readable_in_light_and_dark_and_on_a_telephone() {
    let server = server();
    for (name, dark, size) in [
        ("light", false, (1280, 2100)),
        ("dark", true, (1280, 2100)),
        ("narrow", false, (500, 2400)),
        ("narrow-dark", true, (500, 2400)),
    ] {
        let setup = Setup {
            size,
            dark,
            ..Setup::default()
        };
        let Some(browser) = Browser::start(setup) else {
            skip_or_fail!("there is no chromedriver here")
        };
        browser.open(&server.url());
        browser.picture(&pictures().join(format!("{name}.png")));
        assert_eq!(browser.run(FAULTS), Value::Array(Vec::new()), "{name}");
        let is_dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
        assert_eq!(browser.run(is_dark), Value::Bool(dark), "{name}");
        assert_eq!(browser.complaints(), [""; 0], "{name}");
    }
}

#[test]
fn its_buttons_copy_each_block_as_it_stands() {
    let Some(browser) = Browser::start(Setup::default()) else {
        skip_or_fail!("there is no chromedriver here")
    };
    let server = server();
    browser.open(&server.url());
    browser.allow("clipboard-read");
    let (buttons, blocks) = (browser.elements(".paste button"), browser.elements(".paste code"));
    assert_eq!((buttons.len(), blocks.len()), (5, 5));
    for (button, block) in buttons.iter().zip(&blocks) {
        button.click();
        let copied = browser.run("return navigator.clipboard.readText()");
        assert_eq!(copied, Value::String(block.text()));
    }
    // On a name without https there is no clipboard to write to, and a selection is copied instead.
    let port = server.url().rsplit_once(':').map(|(_, port)| port.to_owned());
    let elsewhere = format!("http://mirror.test:{}/", port.expect("it has a port"));
    browser.open(&elsewhere);
    assert_eq!(browser.run("return isSecureContext"), Value::Bool(false));
    let button = browser.elements(".paste button");
    button.first().expect("a button").click();
    browser.open(&server.url());
    let copied = browser.run("return navigator.clipboard.readText()");
    let line = format!("go env -w GOPROXY={}", elsewhere.trim_end_matches('/'));
    assert_eq!(copied, Value::String(line));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn it_can_be_read_without_its_script() {
    let setup = Setup {
        scripts: false,
        ..Setup::default()
    };
    let Some(browser) = Browser::start(setup) else {
        skip_or_fail!("there is no chromedriver here")
    };
    let server = server();
    browser.open(&server.url());
    assert!(browser.elements("button").is_empty(), "a button would do nothing");
    let blocks = browser.elements(".paste code");
    assert_eq!(blocks.len(), 5);
    assert_eq!(blocks[0].text(), format!("go env -w GOPROXY={}", server.url()));
    browser.picture(&pictures().join("without-script.png"));
}
