//! What a refusal means: settled, or trouble.
//!
//! `go` ends with the same exit status whatever went wrong, so its words decide. Two mistakes are possible, and they are not
//! alike. To take a refusal for trouble costs the client a retry. To take trouble for a refusal says "there is no such version"
//! of one that exists, and sends `GOPROXY=stoa,direct` around the mirror. So only what is on the list of refusals is one;
//! trouble is looked for first; and what nobody foresaw is trouble.
//!
//! No sign is a single word: a module path or a branch may be called `timeout`, but neither can hold a blank.

use crate::status::settles_nothing;

/// What a complaint of `go` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reached origin, or `go` itself, settled it.
    Refused,
    /// Something was not reached, or was in trouble.
    Trouble,
    /// A clone in the module cache cannot be read.
    BrokenClone,
    /// Trouble that no list foresaw.
    Unforeseen,
    /// The origin wants credentials. Some hosts say so of what does not exist; then the repository's page says 404.
    Unauthorized,
    /// No scheme led to a repository, and `go` does not say why.
    NoScheme,
    /// This machine's disk is full.
    DiskFull,
    /// A program is missing.
    Missing(String),
    /// The module needs a newer Go than this machine has.
    TooNew,
}

/// Reads what `go` wrote.
pub(crate) fn outcome(complaint: &str) -> Outcome {
    let has = |signs: &[&str]| signs.iter().any(|sign| complaint.contains(sign));
    if has(DISK_FULL) {
        Outcome::DiskFull
    } else if let Some(program) = missing_program(complaint) {
        Outcome::Missing(program)
    } else if complaint.contains(" requires go >= ") && complaint.contains("(running go ") {
        Outcome::TooNew
    } else if complaint.contains(LOST_REF) {
        Outcome::BrokenClone
    } else if complaint.contains("protocol found for repository") {
        Outcome::NoScheme
    } else if has(COMMAND_FAILED) {
        command(complaint)
    } else if let Some(status) = answered(complaint) {
        if settles_nothing(status) {
            Outcome::Trouble
        } else {
            Outcome::Refused
        }
    } else if has(REDIRECTED) {
        Outcome::Refused
    } else if has(TROUBLE) {
        Outcome::Trouble
    } else if has(REFUSALS) {
        Outcome::Refused
    } else {
        Outcome::Unforeseen
    }
}

/// Reads what a version control command wrote when it failed.
pub(crate) fn command(complaint: &str) -> Outcome {
    let has = |signs: &[&str]| signs.iter().any(|sign| complaint.contains(sign));
    let not_found = complaint.contains("repository '") && complaint.contains("' not found");
    if has(DISK_FULL) {
        Outcome::DiskFull
    } else if has(BROKEN) {
        Outcome::BrokenClone
    } else if not_found || has(ABSENT) {
        Outcome::Refused
    } else if has(UNAUTHORIZED) {
        Outcome::Unauthorized
    } else {
        Outcome::Trouble
    }
}

const DISK_FULL: &[&str] = &[
    "no space left on device",
    "No space left on device",
    "disk quota exceeded",
];

/// A command that `go` ran ended badly.
const COMMAND_FAILED: &[&str] = &[": exit status ", ": signal: "];

/// Words of git, hg, svn and the hosts behind ssh for a repository or revision that is not there.
const ABSENT: &[&str] = &[
    "does not appear to be a git repository",
    "couldn't find remote ref",
    "Couldn't find remote ref",
    "ERROR: Repository not found",
    "remote: Repository not found",
    "ERROR: The project you were looking for could not be found",
    "repository does not exist",
    "abort: unknown revision",
    "HTTP Error 404: Not Found",
    "The requested URL returned error: 410",
    "E170000: URL ",
    // An object of another kind than `go` needs, such as a tag on a blob.
    "bad object type",
    "not a tree object",
];

/// `go` calls a revision by its full name only if the origin has it; then it is the clone that does not know it.
const LOST_REF: &str = "unknown revision refs/";

/// Words of git for a repository on this machine that was cut off in the middle of a write, or damaged.
const BROKEN: &[&str] = &[
    "fatal: bad object ",
    "fatal: loose object ",
    "error: object file ",
    " is corrupt",
    "not a git repository (or any",
    "not a git repository: ",
    ".lock': File exists",
];

const UNAUTHORIZED: &[&str] = &[
    "could not read Username",
    "could not read Password",
    "Authentication failed",
    "The requested URL returned error: 401",
    "The requested URL returned error: 403",
];

/// Never from a secure address to an insecure one: a rule of `go`, and the page was reached.
const REDIRECTED: &[&str] = &["redirected from secure URL"];

/// Words of Go's network library, and of the kernel, for what was not reached or not possible here.
const TROUBLE: &[&str] = &[
    // Whatever follows (a status of a forward proxy, say): the page was not had.
    "Get \"http",
    "dial tcp",
    "proxyconnect ",
    "read tcp",
    "write tcp",
    "i/o timeout",
    ": EOF",
    "unexpected EOF",
    "connection reset by peer",
    "server sent GOAWAY",
    "stream error: ",
    "tls: ",
    "x509: ",
    "TLS handshake",
    "net/http: ",
    "http: server gave HTTP response to HTTPS client",
    "context deadline exceeded",
    "Client.Timeout exceeded",
    "stopped after 10 redirects",
    "permission denied",
    "read-only file system",
    "too many open files",
    "cannot allocate memory",
    "resource temporarily unavailable",
    "input/output error",
    "internal error",
];

/// Words of `go` for what it will never accept, however often it is asked (cmd/go `internal/modfetch`,
/// `internal/vcs` and `internal/modload`; x/mod `module` and `zip`).
const REFUSALS: &[&str] = &[
    // versions and revisions
    "unknown revision",
    "ambiguous revision",
    "no matching versions for query",
    "no commits",
    "invalid version: ",
    "invalid pseudo-version: ",
    "invalid semantic version",
    "disallowed version string",
    "is not a tag)",
    "is not canonical",
    "unexpected response from git log",
    // where a module lies in its repository, and what its go.mod says
    "missing module path",
    "malformed module path",
    "/go.mod at revision ",
    "has post-v",
    "has non-...",
    "module path includes a major version suffix",
    "module contains a go.mod file",
    "cannot contain module",
    "mismatched repo: ",
    "invalid module path",
    "parsing go.mod",
    "errors parsing ",
    // from a path to a repository
    "unrecognized import path",
    " import path \"",
    "invalid version control suffix",
    "GOVCS disallows using ",
    "no modules on example.net",
    "is not a module",
    "not allowed in import path",
    "import path does not begin with hostname",
    "unknown version control system",
    // what a module zip may hold
    "create zip: ",
    "file name collision",
    "malformed file path",
    "module source tree too large",
    "downloaded zip file too large",
    "both a file and a directory",
    "multiple entries for file",
];

/// The program of `exec: "hg": executable file not found in $PATH`.
fn missing_program(complaint: &str) -> Option<String> {
    let before = complaint.get(..complaint.find("\": executable file not found")?)?;
    let (_, program) = before.rsplit_once("exec: \"")?;
    Some(program.to_owned())
}

/// The status of `reading https://host/path: 404 Not Found`.
fn answered(complaint: &str) -> Option<u16> {
    let (_, behind) = complaint.split_once("reading http")?;
    let (_, status) = behind.split_once(": ")?;
    status
        .get(..3)
        .filter(|_| status.as_bytes().get(3) == Some(&b' '))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
