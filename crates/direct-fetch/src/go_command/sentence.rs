//! The sentence a Go user is told, made from what `go` wrote.
//!
//! The `go` command shows a proxy's text only if it is short, plain and printable (at most 8 lines and 648 bytes of
//! graphic characters; cmd/go, `internal/web`), so this makes one line of at most 600 bytes of ASCII. It keeps `go`'s own words, and
//! takes out what is none of the client's business: folders of this machine and credentials in addresses.

/// The longest sentence, in bytes.
const LONGEST: usize = 600;

/// Makes one line of a complaint of `go` or of a version control command.
pub(crate) fn sentence(complaint: &str) -> String {
    let said = |line: &&str| !line.is_empty() && !ASIDE.iter().any(|aside| line.starts_with(aside));
    let mut lines = complaint.lines().map(str::trim).filter(said);
    let headline = lines.next().unwrap_or("it failed without a word");
    let headline = headline.strip_prefix("go: ").unwrap_or(headline);
    let headline = headline
        .strip_prefix("module ")
        .filter(|rest| rest.contains(": "))
        .unwrap_or(headline);
    let mut text = without_command(headline);
    // The headline of a failed command ends with its exit status; why it failed is in its own words below.
    if let Some(opening) = text.strip_suffix(':').map(str::to_owned) {
        let rest: Vec<&str> = lines.collect();
        let telling = rest
            .iter()
            .find(|line| TELLING.iter().any(|sign| line.contains(sign)));
        text = match telling.or(rest.first()) {
            Some(line) => format!("{opening}: {line}"),
            None => opening,
        };
    }
    shorten(plain(&text))
}

/// How lines begin that come before the complaint.
const ASIDE: &[&str] = &[
    "go: warning: ",
    "go: downloading ",
    "go: finding ",
    "warning: ",
    "Warning: ",
    "no such identity: ",
];

/// How the line begins, or what it holds, in which a command says why it failed.
const TELLING: &[&str] = &[
    "fatal: ",
    "ERROR: ",
    "error: ",
    "abort: ",
    "ssh: ",
    "Permission denied",
    "Host key verification failed",
];

/// Turns `git ls-remote -q origin in /folder: exit status 128:` into `git ls-remote failed:`.
fn without_command(headline: &str) -> String {
    let Some(end) = headline
        .find(": exit status ")
        .or_else(|| headline.find(": signal: "))
    else {
        return headline.to_owned();
    };
    let (before, after) = headline.split_at(end);
    let after = after
        .get(2..)
        .and_then(|after| after.find(':').and_then(|colon| after.get(colon..)))
        .unwrap_or("");
    let (opening, command) = before
        .rsplit_once(": ")
        .map_or(("", before), |(opening, command)| (opening, command));
    let words: Vec<&str> = command
        .split(' ')
        .take(2)
        .filter(|word| !word.starts_with(['-', '/']))
        .collect();
    let separator = if opening.is_empty() { "" } else { ": " };
    format!("{opening}{separator}{} failed{after}", words.join(" "))
}

/// Only printable ASCII, one blank between words, no folder of this machine, no credentials.
fn plain(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    let printable = |word: &str| {
        word.chars()
            .map(|c| if c.is_ascii_graphic() { c } else { '?' })
            .collect::<String>()
    };
    words
        .map(|word| without_credentials(&without_folder(&printable(word))))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Puts `(a local folder)` for an absolute path, whatever marks stand around it.
fn without_folder(word: &str) -> String {
    const MARKS: &[char] = &['\'', '"', '(', ')', '[', ']', ',', ';', ':', '.'];
    let path = word.trim_start_matches("file://").trim_matches(MARKS);
    if path.len() > 1 && path.starts_with('/') && !path.starts_with("//") {
        return word
            .trim_start_matches("file://")
            .replacen(path, "(a local folder)", 1);
    }
    word.to_owned()
}

/// Puts `...` for the user and password of an address.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority_ends = rest.find(['/', '?', '#', '\'', '"']).unwrap_or(rest.len());
    match rest
        .get(..authority_ends)
        .and_then(|authority| authority.rfind('@'))
    {
        // `ssh://git@host` names no secret.
        Some(at) if rest.get(..at) != Some("git") => {
            format!("{scheme}://...{}", rest.get(at..).unwrap_or(""))
        }
        _ => word.to_owned(),
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(LONGEST - 3);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_words_of_go() {
        let said = "go: example.test/m@v9.9.9: invalid version: unknown revision v9.9.9\n";
        assert_eq!(
            sentence(said),
            "example.test/m@v9.9.9: invalid version: unknown revision v9.9.9"
        );
    }

    #[test]
    fn a_failed_command_is_told_without_its_folder() {
        let said = "go: github.com/o/no@main: invalid version: git ls-remote -q --end-of-options origin in \
                    /var/cache/x/vcs/0083: exit status 128:\n\tfatal: '/srv/repos/no' does not appear to be a git \
                    repository\n\tfatal: Could not read from remote repository.\n";
        assert_eq!(
            sentence(said),
            "github.com/o/no@main: invalid version: git ls-remote failed: fatal: '(a local folder)' does not \
             appear to be a git repository"
        );
    }

    #[test]
    fn the_telling_line_is_found_below_warnings() {
        let said = "m@v1: git fetch -f in /x: exit status 1:\nwarning: redirecting\nssh: connect to host h port 22: \
                    Connection refused\nfatal: Could not read from remote repository.";
        assert_eq!(
            sentence(said),
            "m@v1: git fetch failed: ssh: connect to host h port 22: Connection refused"
        );
    }

    #[test]
    fn what_go_says_on_the_way_is_left_out() {
        let said =
            "go: downloading m v1.0.0\ngo: warning: ignoring go.mod in /x\ngo: m@v1: unknown revision v1";
        assert_eq!(sentence(said), "m@v1: unknown revision v1");
    }

    #[test]
    fn credentials_and_control_characters_are_taken_out() {
        let said = "fatal: unable to access 'https://user:s3cret@h.test/r/': \u{1b}[31mno\u{1b}";
        assert_eq!(
            sentence(said),
            "fatal: unable to access 'https://...@h.test/r/': [31mno"
        );
        assert_eq!(
            sentence("https://tok?en@h/x ssh://git@h/x"),
            "https://tok?en@h/x ssh://git@h/x"
        );
        assert!(!sentence("file:///srv/x and file:///srv/y.").contains("srv"));
    }

    #[test]
    fn a_sentence_is_never_too_long_for_go_to_show() {
        assert_eq!(sentence(&"word ".repeat(400)).len(), LONGEST);
        assert_eq!(sentence(""), "it failed without a word");
    }
}
