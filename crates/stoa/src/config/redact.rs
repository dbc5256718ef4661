//! Takes the secrets out of values, before anybody reads them.

/// What stands where a secret was.
pub(crate) const SET: &str = "<set>";

/// Names of query parameters whose values are secrets.
const SECRET_PARAMETERS: &[&str] = &["pass", "secret", "token", "key", "sig", "credential", "auth"];

/// The value of a setting that may hold passwords, without them: the credentials before each `@` are taken out, and
/// the values of query parameters that sound like secrets.
///
/// It works on text that may be no URL at all, so where it cannot know it takes out too much rather than too little.
pub(crate) fn redact(text: &str) -> String {
    text.split_inclusive([',', '|', ' '])
        .map(|piece| {
            let end = piece.trim_end_matches([',', '|', ' ']).len();
            let (entry, separator) = piece.split_at(end);
            parameters(&credentials(entry)) + separator
        })
        .collect()
}

/// Whether the value holds anything that [`redact`] would take out.
pub(crate) fn holds_secrets(text: &str) -> bool {
    redact(text) != text
}

/// Everything between the scheme and the last `@`: a password may hold slashes and further `@`, however wrong that is.
fn credentials(entry: &str) -> String {
    if entry.starts_with("file:") {
        return entry.into();
    }
    match entry.rsplit_once('@') {
        None => entry.into(),
        Some((before, host)) => {
            let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
            format!("{scheme}{SET}@{host}")
        }
    }
}

fn parameters(entry: &str) -> String {
    let Some((address, query)) = entry.split_once('?') else {
        return entry.into();
    };
    let query: Vec<String> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if sounds_secret(name) => format!("{name}={SET}"),
            _ => parameter.into(),
        })
        .collect();
    format!("{address}?{}", query.join("&"))
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_and_the_rest_stays() {
        for (text, shown) in [
            ("https://user:canary@host/x,direct", "https://<set>@host/x,direct"),
            (
                "https://canary@a|https://u:canary@b,off",
                "https://<set>@a|https://<set>@b,off",
            ),
            ("redis://:canary@host:6379/0", "redis://<set>@host:6379/0"),
            ("redis://:can/ary@x@host", "redis://<set>@host"),
            ("canary:canary@host", "<set>@host"),
            (
                "postgres://h/db?sslmode=on&password=canary",
                "postgres://h/db?sslmode=on&password=<set>",
            ),
            (
                "s3://b?secret_access_key=canary",
                "s3://b?secret_access_key=<set>",
            ),
            ("file:./a@b", "file:./a@b"),
            ("https://plain.example/x", "https://plain.example/x"),
            ("", ""),
        ] {
            assert_eq!(redact(text), shown);
            assert_eq!(holds_secrets(text), text != shown);
        }
    }
}
