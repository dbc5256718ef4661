//! The checklist that this suite works through: every row has a case, named by it where the case is set up.

use std::collections::BTreeSet;

/// The rows: how commits get their versions (`G`), and what a zip holds (`Z`).
const ROWS: &[(&str, &str)] = &[
    ("G1", "no tag before it: a form 1 pseudo-version, its time in UTC"),
    ("G2", "a tagged ancestor: the next patch"),
    ("G3", "a tagged pre-release as ancestor; its own commit by hash"),
    ("G4", "a merge: the highest tag of all ancestors, not the nearest"),
    ("G5", "author and committer apart: the committer's time"),
    ("G6", "annotated tags, and tags of tags"),
    ("G7", "a branch with a slash"),
    ("G8", "hashes of 7, 12 and 40 digits; 6 are too few"),
    (
        "G9",
        "what git understands and go does not: full ref names, main~1, upper-case hashes",
    ),
    ("G10", "a commit of a pull request alone is unknown"),
    ("G11", "the start of two hashes is ambiguous"),
    ("G12", "a branch named like a hash is a branch"),
    ("G13", "a tag and a branch of one name: the tag"),
    ("G14", "a branch named like a version that is no tag is refused"),
    ("G15", "a branch v2 is not what the query v2 means"),
    ("G16", "tags on trees and blobs"),
    ("G17", "a pseudo-version with another second"),
    (
        "G18",
        "a pseudo-version with a hash too short, too long, in upper case",
    ),
    ("G19", "a pseudo-version after a tag that is not there"),
    ("G20", "a pseudo-version after a tag of another branch"),
    ("G21", "a pseudo-version after a lower ancestor's tag"),
    ("G22", "a pseudo-version after the commit's own tag"),
    ("G23", "the form 1 pseudo-version of a tagged commit"),
    ("G24", "a form 1 pseudo-version of v1"),
    ("G25", "a pseudo-version before the first patch"),
    ("G26", "a month 99"),
    ("G27", "each file of a pseudo-version that is refused"),
    ("G28", "v2 without go.mod is +incompatible"),
    ("G29", "v3 with go.mod and without its suffix"),
    ("G30", "+incompatible where it may not be"),
    ("G31", "which majors a list shows as +incompatible"),
    ("G32", "a compatible pre-release before an incompatible release"),
    ("G33", "v2/go.mod alone"),
    ("G34", "a go.mod of v2 at the root"),
    ("G35", "v2 at the root and in v2/"),
    ("G36", "v1 of a path of v2"),
    ("G37", "tags and bases of a folder"),
    ("G38", "tags of a folder's v2"),
    ("G39", "a folder that is not there"),
    ("G40", "a go.mod that names another path"),
    ("G41", "gopkg.in with and without go.mod, and by another major"),
    ("G42", "gopkg.in's -unstable"),
    ("G43", "a fork that names gopkg.in"),
    ("G44", "tags with +meta"),
    ("G45", "tags with +incompatible"),
    ("G46", "a tag that only looks like a pseudo-version"),
    ("G47", "tags that are pseudo-versions"),
    ("G48", "tags that are no canonical versions"),
    ("G49", "retractions: latest, and the base of what follows"),
    ("G50", "a branch at a retracted tag"),
    ("G51", "pre-releases alone: latest, and no v1"),
    ("G52", "no tags: latest is HEAD, and no v1"),
    ("G53", "an empty repository, and a HEAD that leads nowhere"),
    ("G54", "no HEAD but a tag"),
    ("G55", "objects named by SHA-256"),
    ("G56", "a go.mod that is empty, has a BOM, is a link"),
    ("G57", "quoted and parenthesized module lines"),
    ("G58", "listed versions that cannot be fetched"),
    ("G59", "a folder's tag by its whole name"),
    ("G60", "a root whose import path ends in v2"),
    ("Z1", "export-subst and export-ignore do nothing"),
    ("Z2", "eol=crlf, and with text=auto"),
    (
        "Z3",
        "attributes of the root in a folder's module, and deeper ones over them",
    ),
    ("Z4", "ident"),
    ("Z5", "working-tree-encoding"),
    ("Z6", "LFS pointers stay"),
    ("Z7", "a go.mod under eol=crlf"),
    ("Z8", "symbolic links are left out"),
    ("Z9", "submodules are left out"),
    ("Z10", "modes do not count"),
    ("Z11", "names that differ in case"),
    ("Z12", "a file and a link that differ in case"),
    ("Z13", "names that some systems cannot have"),
    ("Z14", "the same in vendor/ and nested modules"),
    ("Z15", "nested modules by any go.mod"),
    ("Z16", "what vendor/ means by the go line"),
    ("Z17", "a folder's module has the root's LICENSE"),
    ("Z18", "odd licences"),
    ("Z19", "an empty tree"),
    ("Z20", "more than 500 MiB"),
    ("Z21", "a go.mod or LICENSE of more than 16 MiB"),
    ("Z24", "letters, and what is none"),
    ("Z25", "a go line newer than any toolchain"),
    ("Z26", "attribute macros, in the root alone"),
    ("Z27", "attribute patterns"),
    ("Z28", "links and unknown encodings among attributes"),
];

const SOURCES: &[&str] = &[
    include_str!("bytes_of_trees.rs"),
    include_str!("corners.rs"),
    include_str!("folders.rs"),
    include_str!("names.rs"),
    include_str!("rare.rs"),
];

#[test]
fn every_row_has_a_case() {
    let named: BTreeSet<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split(".rows(").skip(1))
        .filter_map(|rest| rest.split('"').nth(1))
        .flat_map(|rows| rows.split(' '))
        .collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|(row, _)| *row).collect();
    let without_case: Vec<_> = rows.difference(&named).collect();
    assert!(without_case.is_empty(), "rows without a case: {without_case:?}");
    let unknown: Vec<_> = named.difference(&rows).collect();
    assert!(unknown.is_empty(), "cases of no row: {unknown:?}");
    assert!(rows.len() >= 60);
}
