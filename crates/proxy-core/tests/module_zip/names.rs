//! What the entries may be called, and what kind of file they may be.

use super::*;

#[test]
fn names_that_go_accepts_are_accepted() {
    let paths = [
        ".git/config",
        ".github/x",
        "Ünïcode.txt",
        "_go.mod",
        "a b/c!#$%&()+,-.=@[]^_{}~.x",
        "a..b",
        "d/LICENSE",
        "go.mod/x.go",
        "go.modx",
        "long~1.txt",
        "vendor/modules.txt",
        "vendor/x/y/z.go",
        "日本語.go",
    ];
    accepted("odd names", &files(&paths), &paths);
}

#[test]
fn names_that_go_refuses_are_refused() {
    for (path, reason) in [
        ("../x", "an element of it ends in a dot"),
        ("a/../x", "an element of it ends in a dot"),
        ("./x", "an element of it ends in a dot"),
        ("/etc/passwd", "it has an empty element"),
        ("a//b", "it has an empty element"),
        ("a\\b", "'\\\\'"),
        ("..\\x", "'\\\\'"),
        ("a:b", "':'"),
        ("a\nb", "'\\n'"),
        ("a\0b", "'\\0'"),
        ("dir/aux.go", "\"aux\" is the name of a device on Windows"),
        ("dot.", "an element of it ends in a dot"),
        ("smile\u{1f600}", "'😀'"),
        ("e\u{301}", "it holds the character"),
        ("\u{663}", "it holds the character"),
        ("GO.MOD", "a go.mod must be written in lower case"),
        ("d/go.mod", "a go.mod may lie in the module's root only"),
        ("d/Go.Mod", "a go.mod may lie in the module's root only"),
    ] {
        refused(path, &files(&["a.go", path]), reason);
        let error = check(files(&[path]).bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the entry \"a.test/m@v1.0.0/"), "{error}");
        assert!(!error.contains('\n') && !error.contains('\0'), "{error:?}");
    }
    for name in [
        "x",
        "a.test/m@v1.0.1/x",
        "a.test/m@v1.0.0x",
        "/a.test/m@v1.0.0/x",
        "A.test/m@v1.0.0/x",
    ] {
        refused(
            name,
            &RawZip::of([RawEntry::new(name, b"")]),
            "does not start with \"a.test/m@v1.0.0/\"",
        );
    }
    let latin1 = file("x").with(|entry| entry.name.push(0xe9));
    refused("Latin-1", &RawZip::of([latin1]), "its name is not UTF-8");
    refused(
        "long",
        &files(&[&format!("{}x", "d/".repeat(2048))]),
        "its path is longer than 4096 bytes",
    );
}

#[test]
fn names_that_collide_are_refused() {
    refused("twice", &files(&["a.go", "a.go"]), "it is there twice");
    refused(
        "in case",
        &files(&["README.md", "readme.md"]),
        "it collides with \"README.md\" when case is ignored",
    );
    refused(
        "Kelvin",
        &files(&["K", "\u{212a}"]),
        "it collides with \"K\" when case is ignored",
    );
    refused(
        "folders in case",
        &files(&["A/x", "a/y"]),
        "it collides with \"A\" when case is ignored",
    );
    refused(
        "file and folder",
        &files(&["a/b", "a"]),
        "\"a\" is both a file and a folder",
    );
}

#[test]
fn only_regular_files_are_accepted() {
    for path in ["", "d/", "d/e/"] {
        let folder = RawEntry::stored(&format!("a.test/m@v1.0.0/{path}"), b"");
        refused(
            "a folder by name",
            &RawZip::of([folder, file("d/x")]),
            "it is a folder",
        );
    }
    for (attributes, reason) in [
        (0o120_777 << 16, "it is a symbolic link"),
        (0o040_755 << 16, "it is a folder"),
        (0x10, "it is a folder"),
        (0o020_644 << 16, "it is no regular file"),
        (0o010_644 << 16, "it is no regular file"),
        (0o140_644 << 16, "it is no regular file"),
    ] {
        for made_by in [0x0314, 0x0014] {
            let odd = file("x").with(|entry| (entry.made_by, entry.attributes) = (made_by, attributes));
            refused("by mode", &RawZip::of([odd]), reason);
        }
    }
}
