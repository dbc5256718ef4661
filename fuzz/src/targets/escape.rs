//! Escaping: one escaped form for each text, and no two texts that differ in case only.

use crate::Target;
use proxy_core::module::escape::{escape, unescape};

pub(crate) const ESCAPE: Target = Target {
    name: "escape",
    run,
    longest: 300,
    words: &["!", "!a", "A", "Azure", "!!", "/", "é", "v1.0.0-RC"],
};

fn run(data: &[u8]) -> crate::Verdict {
    let text = String::from_utf8_lossy(data);
    let read = unescape(&text);
    if let Ok(plain) = &read {
        assert_eq!(escape(plain), text, "a text has one escaped form");
        assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase()));
    }
    if text.is_ascii() && !text.contains('!') {
        assert_eq!(
            unescape(&escape(&text)).as_deref(),
            Ok(&*text),
            "what is escaped is read back"
        );
    }
    read.is_ok().into()
}
