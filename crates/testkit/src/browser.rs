//! A real browser without a window: Chromium, driven through `chromedriver` by the protocol that W3C made for it.
//!
//! It starts with nothing of the user's, asks nobody but the servers of the test, and ends when it is dropped.

use crate::client::{Ask, block_on};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// What every session starts with. The sandbox needs rights that a container does not give; the pages are our own.
const ARGUMENTS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// How often a driver is started that ends before it listens.
const ATTEMPTS: usize = 5;

/// How a browser is to be set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The window's size, in pixels.
    pub size: (u32, u32),
    /// Whether its user likes dark pages.
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            size: (1280, 1600),
            dark: false,
            scripts: true,
        }
    }
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one, or gives `None` where there is no `chromedriver`. Names that end in `.test` lead to this machine.
    pub fn start(setup: Setup) -> Option<Self> {
        let (driver, port) = (0..ATTEMPTS)
            .find_map(|_| match driver() {
                Ok((driver, Some(port))) => Some(Some((driver, port))),
                // The port it chose was taken a moment later, in one of the two families of addresses: it gave up.
                Ok((mut driver, None)) => {
                    let _gone = (driver.kill().is_err(), driver.wait().is_err());
                    None
                }
                Err(_) => Some(None),
            })
            .expect("it says where it listens")?;
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}/session"),
            _profile: TempDir::with_prefix("stoa-browser-").expect("a folder can be made"),
        };
        let id = browser.command("POST", "", &browser.capabilities(setup))["sessionId"].clone();
        let id = id.as_str().expect("a session has a name");
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    fn capabilities(&self, setup: Setup) -> Value {
        let (width, height) = setup.size;
        let profile = self._profile.path().display();
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(format!("--user-data-dir={profile}"));
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!(
            "--blink-settings=preferredColorScheme={}",
            if setup.dark { 0 } else { 1 }
        ));
        let scripts = if setup.scripts { 1 } else { 2 };
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {"profile.managed_default_content_settings.javascript": scripts},
            },
        }}})
    }

    /// Opens an address and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Runs a script in the page and gives what it returns; a promise is waited for.
    pub fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The elements that a CSS selector finds.
    pub fn elements(&self, selector: &str) -> Vec<Element<'_>> {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.command("POST", "/elements", &wanted);
        let found = found.as_array().cloned().unwrap_or_default();
        let name = |element: &Value| {
            let id = element.as_object()?.values().next()?.as_str()?;
            Some(format!("/element/{id}"))
        };
        found
            .iter()
            .filter_map(name)
            .map(|path| Element { browser: self, path })
            .collect()
    }

    /// Lets pages do something they would have to ask for, such as `clipboard-read`.
    pub fn allow(&self, permission: &str) {
        let wanted = json!({"descriptor": {"name": permission}, "state": "granted"});
        self.command("POST", "/permissions", &wanted);
    }

    /// What the console holds that was not there before: errors, and what the policy forbade.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Writes a picture of the window as PNG.
    pub fn picture(&self, file: &Path) {
        let picture = self.command("GET", "/screenshot", &Value::Null);
        let picture = STANDARD
            .decode(picture.as_str().unwrap_or_default())
            .expect("a picture comes in base64");
        fs::write(file, picture).expect("a file can be written");
    }

    /// One command of the protocol. Panics with what the driver says if it fails.
    fn command(&self, method: &str, path: &str, parameters: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut ask = Ask::get(&url).method(method);
        if method == "POST" {
            ask = ask
                .header("content-type", "application/json")
                .body(parameters.to_string());
        }
        let answer = block_on(ask.send()).expect("the driver answers");
        let text = answer.text();
        assert_eq!(answer.status, 200, "{method} {path}: {text}");
        let mut answer: Value = serde_json::from_str(&text).expect("the driver answers in JSON");
        answer["value"].take()
    }
}

/// A driver that was started, and where it listens unless it ended first.
fn driver() -> io::Result<(Child, Option<u16>)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = driver.stdout.take().expect("it was asked for");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse::<u16>().ok()
    });
    // Whoever prints must be read, or stops one day.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((driver, port))
}

/// Something in a page.
#[derive(Debug)]
pub struct Element<'a> {
    browser: &'a Browser,
    path: String,
}

impl Element<'_> {
    /// Its text as it is seen.
    pub fn text(&self) -> String {
        let text = self
            .browser
            .command("GET", &format!("{}/text", self.path), &Value::Null);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks on it.
    pub fn click(&self) {
        self.browser
            .command("POST", &format!("{}/click", self.path), &json!({}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with its session; if it does not answer any more, its end ends both.
        let end = Ask::get(&self.session).method("DELETE");
        let _ = block_on(end.send());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
