//! The table of settings: the one place where a key of the configuration is made.

use super::{
    setting::{Preset, Setting},
    syntax::Syntax,
};

/// Sections that are known and have no keys yet.
pub(crate) const EMPTY_SECTIONS: &[&str] = &["access", "policy"];

/// Every key there is, in the order in which people read them.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(
        "listen",
        Syntax::Listen,
        Preset::Value("127.0.0.1:3000"),
        "The address to listen on: host and port, `:3000` for every address of the machine, or `unix:/run/stoa.sock` \
         for a socket in the file system.",
    )
    .because("Only this machine is served until somebody decides otherwise.")
    .with_flag("listen", "ADDRESS"),
    Setting::new(
        "base_path",
        Syntax::BasePath,
        Preset::Value("/"),
        "Serve below this prefix, as in `https://example.com/go`. The health pages also answer at the root.",
    ),
    Setting::new(
        "storage.url",
        Syntax::StorageUrl,
        Preset::Value("file:./stoa-data"),
        "Where module files are kept. `file:` and a folder, or `memory:` for a store that forgets everything when the \
         process ends. `s3://bucket/prefix`, `gs://bucket/prefix` and `az://container/prefix` for buckets that \
         many nodes share; their credentials are those of the environment (`AWS_…`, `GOOGLE_…`, `AZURE_…`), and behind a `?` \
         each may say where they come from: `endpoint`, `region`, `profile`, `style` (`path` or `virtual`), `account`, and \
         `env` for the beginning of other variables' names. `postgres://user:password@host/database` for a database that \
         many nodes share, with what libpq knows of TLS (`?sslmode=verify-full&sslrootcert=…`), `schema` (`stoa`), \
         `max_connections` (16) and `connect_timeout` (10 seconds).",
    )
    .because("A folder needs nothing installed, survives a restart, and is a GOPROXY tree that `go` can read by itself.")
    .with_flag("storage", "URL")
    .secret(),
    Setting::new(
        "storage.endpoint",
        Syntax::WebUrl,
        Preset::Unset,
        "The address of the bucket service that `storage.url` means, where it is not the cloud's own.",
    ),
    Setting::new(
        "storage.spool",
        Syntax::Folder,
        Preset::Found("inside a file store, else in the user's cache folder"),
        "The folder for files on their way in. It needs room for the zips being fetched at one time.",
    )
    .because("In the file store a finished file need not be copied; `/tmp` may be memory."),
    Setting::new(
        "storage.also",
        Syntax::StorageUrls,
        Preset::Unset,
        "Other stores that are asked before the upstreams, private modules included; what they have is checked, kept here \
         and served from here. They are read and never written, so one may be another program's: a module cache, or what \
         Athens kept on a disk or in a bucket.",
    )
    .because("A store can be moved into while it is served.")
    .secret(),
    Setting::new(
        "storage.redirect_over",
        Syntax::SizeOrOff,
        Preset::Value("off"),
        "Answer a zip with a short-lived link to the bucket if more than this is to be sent, where the store can sign one. \
         `go` follows it, and the bytes come from the bucket itself.",
    )
    .because("Clients of some networks can reach the mirror but not the bucket."),
    Setting::new(
        "upstream.chain",
        Syntax::Chain,
        Preset::Found(
            "what GOPROXY says where the server runs (environment, then `go env`), without entries that name this \
             server; if none is left, what `go env GOPROXY` says with GOPROXY unset and GOENV=off; `direct` where \
             there is no `go` command",
        ),
        "Where misses are fetched from, in GOPROXY syntax: proxies in order, `direct` for version control, `off` for \
         nothing. After `,` the next one is asked when a proxy says not found, after `|` when it fails in any way. \
         An address may hold credentials; they are sent to that host alone.",
    )
    .because("A mirror started beside `go` should find modules wherever that `go` finds them.")
    .with_flag("upstream", "LIST")
    .secret(),
    Setting::new(
        "upstream.private",
        Syntax::Patterns,
        Preset::Value(""),
        "Private modules, in GOPRIVATE syntax: fetched from version control only, never looked up in a checksum \
         database, never named to a proxy.",
    ),
    Setting::new(
        "checksums.database",
        Syntax::ChecksumDatabase,
        Preset::Found("what GOSUMDB says where the server runs (environment, then `go env`), else `sum.golang.org`"),
        "The checksum database, in GOSUMDB syntax: a name that `go` knows, a key (`name+hash+key`) with or without an \
         address behind it, or `off`. Without an address it is asked through the first proxy of `upstream.chain` that \
         relays it, else at its name. Every module that it speaks for is held against it before it is kept, and clients \
         may ask for it below `/sumdb/`.",
    )
    .because("The mirror should believe what a `go` on the same machine would believe.")
    .secret(),
    Setting::new(
        "checksums.skip",
        Syntax::Patterns,
        Preset::Value(""),
        "Modules that the checksum database is not asked about, in GONOSUMDB syntax. `golang.org/toolchain` is \
         held against it all the same, as `go` does.",
    ),
    Setting::new(
        "checksums.when_unreachable",
        Syntax::OneOf(&["refuse", "first-sight"]),
        Preset::Value("refuse"),
        "What to do with a new version while the checksum database is down: `refuse` it, or record what is seen first \
         and look it up later (`first-sight`). A version that the database then contradicts is set aside and refused for \
         good.",
    )
    .because("Nothing unverified is served unless somebody decides otherwise."),
    Setting::new(
        "lease.url",
        Syntax::LeaseUrl,
        Preset::Value("auto"),
        "What keeps several nodes from fetching one version at the same time: `auto` (by the store itself: locks in a \
         folder, records in a bucket, rows in Postgres, memory in `memory:`), `memory` (nodes do not heed each other), \
         `records` (records in any store), or Redis: `redis://host:6379`, `redis+sentinel://host,host/master-name` or \
         `redis+cluster://host,host`, with `rediss` for TLS, each with credentials and settings as \
         `redis://user:password@host?ca=/path/to/ca.pem`. Where leases are not to be had, versions may be fetched twice; \
         nothing fails.",
    )
    .because("Leases only save work, and a store that nodes share can keep them; Redis does it sooner.")
    .secret(),
    Setting::new(
        "direct.git",
        Syntax::OneOf(&["auto", "builtin", "command"]),
        Preset::Value("auto"),
        "What brings the objects of git repositories: `builtin` is Stoa alone, which needs neither `go` nor `git` and \
         reaches https (http where `direct.insecure` says so); `command` is the `git` command, over ssh as well; `auto` \
         is `builtin` for https and http, and the command for ssh. Other version control is fetched by the `go` command, \
         for private modules and where `direct.vcs` names it.",
    )
    .because("Most repositories then need no program, and every address is guarded."),
    Setting::new(
        "direct.insecure",
        Syntax::Patterns,
        Preset::Value(""),
        "Modules that may be fetched over plain http and unverified TLS, in GOINSECURE syntax.",
    ),
    Setting::new(
        "direct.vcs",
        Syntax::GoVcs,
        Preset::Value(""),
        "Which version control may be used for which modules, in GOVCS syntax; empty: as the `go` command would.",
    ),
    Setting::new(
        "direct.cache",
        Syntax::Folder,
        Preset::Found("beside a file store, else in the user's cache folder"),
        "The folder for what `direct` keeps between fetches. Everything in it can be fetched again.",
    )
    .because("A second version of a repository is then cheap."),
    Setting::new(
        "direct.credentials",
        Syntax::File,
        Preset::Unset,
        "A TOML file of `[[host]]` tables with the credentials of private repositories. They are used for modules whose \
         path begins with that host, and for those of `upstream.private`.",
    ),
    Setting::new(
        "catalog.private",
        Syntax::Bool,
        Preset::Value("false"),
        "Whether `/catalog` and `/index` name the modules of `upstream.private`.",
    )
    .because("Whoever may list everything learns names that should stay inside."),
    Setting::new(
        "scrub.every",
        Syntax::DurationOrOff,
        Preset::Value("off"),
        "How long after a scrub of the whole store the next one begins: every stored file is read and compared with its \
         record. A damaged one is set aside, so that it is fetched again the next time it is asked for, and kept if it is \
         what it was. `stoa verify` does the same at once.",
    )
    .because("Reading everything costs a bucket's owner money, and most disks' owners nothing: they should turn it on."),
    Setting::new(
        "scrub.rate",
        Syntax::Size,
        Preset::Value("16MiB"),
        "How much the scrub reads in a second, on average.",
    )
    .because("A disk hardly notices, and a terabyte takes a day."),
    Setting::new(
        "lists.fresh",
        Syntax::Duration,
        Preset::Value("60s"),
        "How long version lists, `@latest` and answers to queries such as branch names are believed. After that they \
         are served as they are while the origin is asked again.",
    )
    .because("A new tag is seen within a minute, and a busy build asks the origin once a minute at most."),
    Setting::new(
        "lists.absent",
        Syntax::Duration,
        Preset::Value("30s"),
        "How long \"there is no such version\" is remembered.",
    )
    .because("Long enough to spare the origin a storm of the same question, short enough for a tag just pushed."),
    Setting::new(
        "web.public_url",
        Syntax::WebUrl,
        Preset::Unset,
        "The address by which clients reach this server, where it differs from the request's Host.",
    ),
    Setting::new(
        "limits.drain",
        Syntax::Duration,
        Preset::Value("60s"),
        "How long requests under way may go on after SIGTERM or SIGINT. A second signal ends them at once.",
    )
    .because("Large zips need the time; a supervisor's own patience must be longer than this."),
    Setting::new(
        "limits.memory_cache",
        Syntax::Size,
        Preset::Value("64MiB"),
        "Memory for small files that were asked for lately; 0 for none.",
    )
    .because("The `.info` and `.mod` files of tens of thousands of versions fit in, on the smallest of machines."),
    Setting::new(
        "limits.header_timeout",
        Syntax::PositiveDuration,
        Preset::Value("29s"),
        "A connection that sends no request, or half of one, for so long is closed; one that is kept alive between \
         requests, too. Behind a load balancer that keeps its connections longer, set it longer than that does.",
    )
    .because("Silent clients are gone within thirty seconds."),
    Setting::new(
        "limits.send_timeout",
        Syntax::PositiveDuration,
        Preset::Value("2m"),
        "A client that takes not one byte of its answer for so long is cut off; never sooner than \
         `limits.header_timeout` allows.",
    )
    .because("A slow reader is served however slow it is; one that stands still holds a connection for nothing."),
    Setting::new(
        "limits.connections",
        Syntax::Count,
        Preset::Value("10000"),
        "How many connections are open at one time; more wait to be accepted.",
    )
    .because("Each costs some ten kilobytes, so that a flood fills the queue and not the memory."),
    Setting::new(
        "limits.silence",
        Syntax::PositiveDuration,
        Preset::Value("30s"),
        "A request is given up when no origin has sent a byte for so long, whatever is tried in turn.",
    )
    .because("The client is answered before it loses patience, and a large zip that keeps coming is never cut."),
    Setting::new(
        "tls.certificate",
        Syntax::File,
        Preset::Unset,
        "A file with the certificate and its chain, in PEM; serves https, together with `tls.key`. Both are read \
         again when they change, and on SIGHUP.",
    ),
    Setting::new("tls.key", Syntax::File, Preset::Unset, "A file with the certificate's private key, in PEM."),
    Setting::new(
        "telemetry.log_format",
        Syntax::OneOf(&["text", "json"]),
        Preset::Value("text"),
        "How the log is written to standard error: lines for people, or one JSON object a line.",
    ),
    Setting::new(
        "telemetry.log_level",
        Syntax::LogLevel,
        Preset::Value("info"),
        "What is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`, also by part, as in \
         `info,proxy_core=debug`.",
    ),
    Setting::new(
        "telemetry.access_log",
        Syntax::Bool,
        Preset::Value("true"),
        "Whether each request is logged in one line, as the part `access` at level `info`.",
    )
    .because("Nothing else tells an operator who asked for what; where a front server logs, it can be spared."),
];

/// The setting of this key.
pub(crate) fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
