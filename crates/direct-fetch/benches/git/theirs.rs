//! What the `go` command takes for the same.

use crate::{
    report::{Cost, Meter},
    world::{MODULE, World},
};
use std::path::Path;
use testkit::go::GoCommand;

pub(crate) struct Theirs<'a> {
    world: &'a World,
    go: GoCommand,
}

impl<'a> Theirs<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let mut go = GoCommand::find().expect("there is a go command").proxy("direct");
        for (name, value) in world.domain.environment() {
            go = go.set(name, value);
        }
        Self { world, go }
    }

    /// One version with an empty module cache.
    pub(crate) fn fresh(&self, versions: &[String]) -> Cost {
        let mut costs = Vec::new();
        for version in versions {
            self.go.forget_modules();
            costs.push(self.download(std::slice::from_ref(version)));
        }
        Cost::best(costs.into_iter())
    }

    /// One version after another.
    pub(crate) fn shared(&self, versions: &[String]) -> Cost {
        self.go.forget_modules();
        self.download(&versions[..1]);
        let rest = &versions[1..];
        let meter = Meter::start(&self.world.host);
        for version in rest {
            self.run(std::slice::from_ref(version));
        }
        meter.stop().each(rest.len())
    }

    /// All named in one command.
    pub(crate) fn together(&self, versions: &[String]) -> Cost {
        self.go.forget_modules();
        self.download(versions)
    }

    /// The list of versions, the repository being known already.
    pub(crate) fn list(&self) -> Cost {
        let meter = Meter::start(&self.world.host);
        let listed = self
            .go
            .succeed(self.folder(), ["list", "-m", "-versions", MODULE]);
        let cost = meter.stop();
        assert_eq!(listed.split_whitespace().count(), crate::world::TAGS + 2);
        cost
    }

    fn download(&self, versions: &[String]) -> Cost {
        let meter = Meter::start(&self.world.host);
        self.run(versions);
        meter.stop()
    }

    fn run(&self, versions: &[String]) {
        let mut arguments = vec!["mod".to_owned(), "download".to_owned()];
        arguments.extend(versions.iter().map(|version| format!("{MODULE}@{version}")));
        self.go.succeed(self.folder(), arguments);
    }

    fn folder(&self) -> &Path {
        self.go.home()
    }
}
