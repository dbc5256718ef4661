//! What go.mod files mean, and which are malformed.

use super::*;

fn parse(text: &str) -> Result<GoMod, InvalidGoMod> {
    GoMod::parse(text.as_bytes())
}

#[test]
fn the_module_line_is_found_by_a_reader_that_takes_anything() {
    for (text, expected) in [
        ("module example.test/m\n", Some("example.test/m")),
        ("module example.test/m", Some("example.test/m")),
        ("\n  module\texample.test/m // c\r\n", Some("example.test/m")),
        ("module \"quoted/path\" // c\n", Some("quoted/path")),
        ("module `raw/path`\n", Some("raw/path")),
        ("module (\n\texample.test/m\n)\n", Some("(")),
        ("// module no\nbroken (\nmodule a b\n", Some("a b")),
        ("module\u{a0}x\n", Some("x")),
        ("modules x\nmodule\nmodule y\n", Some("y")),
        ("\u{feff}module example.test/m\n", None),
        ("", None),
        ("module \"a//b\"\nmodule c\n", None),
        ("module \"a\" b\nmodule c\n", None),
        ("module \"\"\n", None),
        ("modulex\n", None),
    ] {
        assert_eq!(module_path(text.as_bytes()).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn what_dependents_need_is_read() {
    let go_mod = parse(
        "// Comment.\nmodule \"example.test/m\" // why\n\ngo 1.24\n\nrequire (\n\ta.test/b v1.2.3 // indirect\n\t\"c.test/d/v2\" v2.0.0\n)\n\
         require e.test v2.0.0+incompatible\nretract (\n\tv1.0.1 // bad\n\t[v1.1.0, v1.2.0]\n)\nretract [v1.5, v1.6] more\n\
         ignore ./x\nreplace a => b\ntool x\n",
    )
    .unwrap();
    assert_eq!(go_mod.module.as_deref(), Some("example.test/m"));
    assert_eq!(go_mod.go.as_deref(), Some("1.24"));
    for (version, retracted) in [
        ("v1.0.0", false),
        ("v1.0.1", true),
        ("v1.1.0-rc.1", false),
        ("v1.1.0", true),
        ("v1.1.7", true),
        ("v1.2.0", true),
        ("v1.2.1", false),
        ("v1.5.9", true),
        ("v1.6.0", true),
    ] {
        assert_eq!(go_mod.retracts(version), retracted, "{version}");
    }
}

#[test]
fn the_go_line_decides_the_vendor_rule() {
    // Observed with go mod download: which go.mod files make a zip follow the rule that came with Go 1.24.
    for (line, new) in [
        ("go 1.23", false),
        ("go 1.24", true),
        ("go 1.24rc1", true),
        ("go 1.24.0", true),
        ("go 1.100", true),
        ("go 2.0", true),
        ("go v1.24", false),
        ("go 1.24-foo", true),
        ("go 1.24x", true),
        ("go v1.24.1", true),
        ("go 1.024", false),
        ("go 1.24.1rc1", false),
        ("go 1.24rc01", false),
        ("go 99999999999999999999.0", true),
        ("go (\n\t1.24\n)", false),
        ("go 1.24\nrequire a.test/b master", false),
        ("go 1.24\nreplace nonsense", true),
        ("go 1.24\ngo 1.24", false),
        ("go 1.24\n/* c */", false),
    ] {
        let text = format!("module example.test/m\n\n{line}\n");
        let at_least = parse(&text).is_ok_and(|go_mod| go_mod.go_version_at_least(1, 24));
        assert_eq!(at_least, new, "{line}");
    }
}

#[test]
fn what_a_later_go_may_know_is_skipped() {
    for text in [
        "",
        "// only a comment",
        "unknown directive ( with ) words\n",
        "unknown (\n\tlines of (any) [kind] { x }, \"and `strings`\"\n)\n",
        "two words (\n\tx\n)\n",
        "go (\n\tx y\n)\n",
        "module ()\n",
        "module ( ) // c\n",
        "replace\nexclude x\ntoolchain a b\ntool\ngodebug\n",
        "retract\nretract (\n\t[v1.0.0\n)\nretract main\nretract [v1.0.0, v2\nretract (v1.0.0)\n",
        "require ()\n",
        "module a//comment\n",
        "module example.test/m\r\n\r\ngo 1.20\r\n",
        "( x\n",
        ") x\n",
        "module\u{9}x\n",
        "unknown \"a\\\nb\"\n",
        "\u{e9}\u{301} x\n",
    ] {
        assert!(parse(text).is_ok(), "{text:?}: {:?}", parse(text));
    }
    assert_eq!(parse("module (\n\tx\n)\n").unwrap().module.as_deref(), Some("x"));
    assert_eq!(GoMod::parse(b"x \xff\n"), Ok(GoMod::default()));
}

#[test]
fn what_go_refuses_is_refused() {
    for (text, line) in [
        ("module a\nmodule b\n", 2),
        ("module (\n\ta\n\tb\n)\n", 3),
        ("module\n", 1),
        ("module a b\n", 1),
        ("module a(b)\n", 1),
        ("module 'a'\n", 1),
        ("module `a`\n", 1),
        ("module \"\\q\"\n", 1),
        ("go 1.20\ngo 1.20\n", 2),
        ("go\n", 1),
        ("go 1\n", 1),
        ("go 1.20 x\n", 1),
        ("go \"1.20\"\n", 1),
        ("require a.test/b\n", 1),
        ("require a.test/b v1.0.0 v1.0.0\n", 1),
        ("require foo.test/x v2.0.0\n", 1),
        ("require foo.test/x/v1 v1.0.0\n", 1),
        ("require gopkg.in/x v1.0.0\n", 1),
        ("require (\n\ta.test/b master\n)\n", 2),
        ("ignore\n", 1),
        ("ignore a b\n", 1),
        ("ignore `a`\n", 1),
        ("x /* c */\n", 1),
        ("x a/*b\n", 1),
        ("x \"a\n", 1),
        ("x `a\nb`\n", 1),
        ("x \"a", 1),
        ("x (\n", 2),
        ("x (", 1),
        ("x (\n\ty\n) z\n", 3),
        ("x \u{b}\n", 1),
        ("\u{feff}module a\n", 1),
        ("x\u{a0}y\n", 1),
        ("x \0\n", 1),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

#[test]
fn a_module_without_a_go_mod_gets_one_of_one_line() {
    let path = ModulePath::parse("example.test/incompat").unwrap();
    let go_mod = synthesized(&path);
    assert_eq!(go_mod, b"module example.test/incompat\n");
    assert_eq!(
        crate::sums::H1::of_go_mod(&go_mod).to_string(),
        "h1:ajbe4jeBeuOjfw/6VDQzPK6rfHnR4HjThcfAVg7WzzM="
    );
}
