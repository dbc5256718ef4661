//! Real modules from this machine's own GOPROXY, when somebody asks for it: `STOA_TEST_PUBLIC=1`.

use crate::world::stoa;
use testkit::{
    go::{GoCommand, Project, machine_proxy},
    skip_or_fail,
};

const MAIN: &str = r#"package main

import (
	"fmt"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"golang.org/x/text/language"
)

func main() {
	var config struct{ Name string }
	_, err := toml.Decode(`name = "x"`, &config)
	fmt.Println(err, config, language.English, (&cobra.Command{Use: "x"}).Name())
}
"#;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "asking for this test is no setting of the program"
)]
fn a_real_project_builds_and_builds_again_unplugged() {
    if std::env::var_os("STOA_TEST_PUBLIC").is_none() {
        // Not asked for, which is no failure on CI either: it must pass without the public mirror.
        return;
    }
    let Some(go) = GoCommand::find() else {
        skip_or_fail!("there is no go command here")
    };
    let upstream = machine_proxy().expect("go knows a GOPROXY");
    let setup = stoa();
    let stoa = setup.clone().upstream(&upstream).start();
    let go = go.proxy(&stoa.url());
    let project = Project::new("example.test/app").file("main.go", MAIN);
    // By module path: for a package below one, `go` also asks for modules that do not exist, and what no proxy has
    // is looked for in version control, which a closed network does not reach.
    for module in [
        "github.com/BurntSushi/toml",
        "github.com/spf13/cobra",
        "golang.org/x/text",
    ] {
        go.succeed(project.folder(), ["get", &format!("{module}@latest")]);
    }
    go.succeed(project.folder(), ["mod", "tidy"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    let sums = project.read("go.sum");
    drop(stoa);

    let stoa = setup.upstream("off").start();
    let go = go.proxy(&stoa.url());
    go.forget_modules();
    go.succeed(project.folder(), ["mod", "download"]);
    go.succeed(project.folder(), ["build", "-o", "app", "."]);
    assert_eq!(project.read("go.sum"), sums);
}
