//! The first page as it comes over the wire; how it looks and works in a browser is in `browser.rs`.

use crate::stoa_of_release;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use testkit::{
    client::{Answer, Ask, block_on},
    stoa::StoaProcess,
};

/// The page as asked for under another name.
fn under_name(server: &StoaProcess, host: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = block_on(server.send_raw(request.as_bytes()));
    String::from_utf8(answer).expect("the page is UTF-8")
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts
        .filter_map(|part| part.split_once(end))
        .map(|(inner, _)| inner)
        .collect()
}

fn first_page(server: &StoaProcess, path: &str) -> Answer {
    let answer = server.get_blocking(path);
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    answer
}

#[test]
fn it_holds_the_lines_to_paste() {
    let server = stoa_of_release().start();
    let answer = first_page(&server, "/");
    let (page, url) = (answer.text(), server.url());
    for line in [
        format!("<code>go env -w GOPROXY={url}</code>"),
        format!("ENV GOPROXY=\"{url}\"\n").replace('"', "&#34;"),
        format!("env:\n  GOPROXY: \"{url}\"</code>"),
        format!("variables:\n  GOPROXY: \"{url}\"</code>"),
        "go env -w GOPRIVATE=git.example.com</code>".to_owned(),
        "This address is this machine’s own.".to_owned(),
        format!("<p class=\"build\">{}</p>", env!("CARGO_PKG_VERSION")),
    ] {
        let literal = line.replace("&#34;", "\"");
        assert!(page.contains(&literal), "no {literal:?} in\n{page}");
    }
}

#[test]
fn a_browser_runs_nothing_but_what_the_policy_names() {
    let server = stoa_of_release().start();
    let answer = first_page(&server, "/");
    let page = answer.text();
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "img-src data:",
    ] {
        assert!(policy.split("; ").any(|held| held == part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let inner = between(&page, &format!("<{element}>"), &format!("</{element}>"));
        assert_eq!(inner.len(), 1, "one <{element}>");
        let sum = STANDARD.encode(Sha256::digest(inner[0]));
        let allowed = format!("{directive} 'sha256-{sum}'");
        assert!(
            policy.split("; ").any(|held| held == allowed),
            "{allowed}: {policy}"
        );
    }
    for never in [
        " style=",
        " onclick",
        " onload",
        "javascript:",
        "src=",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(never), "{never} is in the page");
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[test]
fn it_links_only_to_what_is_there() {
    for base_path in ["/", "/go/mirror"] {
        let server = stoa_of_release().environment("STOA_BASE_PATH", base_path).start();
        let page = first_page(&server, base_path).text();
        let links = between(&page, "<a href=\"", "\"");
        assert!(links.len() >= 3, "{links:?}");
        for link in links {
            assert!(
                link.starts_with(base_path.trim_end_matches('/')),
                "{link} below {base_path}"
            );
            assert_eq!(server.get_blocking(link).status, 200, "{link}");
        }
        let prefix = base_path.trim_end_matches('/');
        let line = format!("GOPROXY={}{prefix}</code>", server.url());
        assert!(page.contains(&line), "no {line} in\n{page}");
    }
}

#[test]
fn the_public_address_stands_above_the_request() {
    let server = stoa_of_release()
        .environment("STOA_WEB__PUBLIC_URL", "https://go.example.com/mirror/")
        .start();
    let url = format!("{}/", server.url());
    let asked = Ask::get(&url).header("x-forwarded-proto", "http");
    let page = block_on(asked.send()).expect("an answer").text();
    assert!(
        page.contains("GOPROXY=https://go.example.com/mirror</code>"),
        "{page}"
    );
    assert!(page.contains("href=\"https://go.example.com/mirror/version\""));
    assert!(!page.contains(&server.url()) && !page.contains("machine’s own"));
    server.wait_for_log("go env -w GOPROXY=https://go.example.com/mirror\n");
}

#[test]
fn the_name_that_was_asked_for_is_the_one_to_paste() {
    let server = stoa_of_release().start();
    let page = under_name(&server, "stoa.corp.example:8080");
    assert!(
        page.contains("GOPROXY=http://stoa.corp.example:8080</code>"),
        "{page}"
    );
    assert!(!page.contains("machine’s own"));
    let url = format!("{}/", server.url());
    let asked = Ask::get(&url).header("x-forwarded-proto", "https");
    let page = block_on(asked.send()).expect("an answer").text();
    let line = format!("GOPROXY={}</code>", server.url().replace("http://", "https://"));
    assert!(page.contains(&line), "no {line} in\n{page}");
}

#[test]
fn a_host_that_is_none_is_not_repeated() {
    let server = stoa_of_release().start();
    for host in [
        "evil\"><script>alert(1)</script>",
        "user:evil@host",
        "host/evil",
        "evil'onload",
        "evil$(id)",
        "evil:70000",
    ] {
        let answer = under_name(&server, host);
        assert!(!answer.contains("evil"), "{host}: {answer}");
        if answer.starts_with("HTTP/1.1 200") {
            assert!(answer.contains("The address is missing."), "{host}: {answer}");
        }
    }
}

#[test]
fn private_patterns_are_told_only_where_the_catalog_tells_them() {
    let page = |catalog: &str| {
        let server = stoa_of_release()
            .environment("STOA_UPSTREAM__PRIVATE", "git.secret.test/*")
            .environment("STOA_CATALOG__PRIVATE", catalog)
            .start();
        first_page(&server, "/").text()
    };
    let quiet = page("false");
    assert!(!quiet.contains("secret.test"), "{quiet}");
    assert!(quiet.contains("go env -w GOPRIVATE=git.example.com GONOPROXY=none</code>"));
    let told = page("true").replace("&#39;", "'");
    assert!(
        told.contains("go env -w GOPRIVATE='git.secret.test/*' GONOPROXY=none</code>"),
        "{told}"
    );
}

#[test]
fn what_it_says_of_the_checksum_database_is_what_the_server_does() {
    for (database, relayed) in [("sum.golang.org", true), ("off", false)] {
        let server = stoa_of_release()
            .environment("STOA_CHECKSUMS__DATABASE", database)
            .start();
        let page = first_page(&server, "/").text();
        let supported = server.get_blocking("/sumdb/sum.golang.org/supported").status;
        assert_eq!(supported == 200, relayed, "{database}: {supported}");
        assert_eq!(
            page.contains("<code>sum.golang.org</code> is relayed here"),
            relayed,
            "{page}"
        );
        assert_eq!(page.contains("None is relayed here."), !relayed, "{page}");
    }
}
