//! The Helm chart: linted, rendered for each situation in `deploy/helm/situations`, compared with what was rendered
//! before, decoded strictly, and each rendered environment started.
//!
//! After a change that is meant, `STOA_TEST_BLESS=1 cargo xtask deploy --quick chart` writes the renders anew.

use crate::{
    container, environment,
    house::{at, binary, command, decode, ended, helm, is_here, text, variable},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use testkit::{
    certificates::TestAuthority, go::GoCommand, module::fixtures, process::Finished, proxy::FakeUpstream,
    skip_or_fail, stoa::Stoa,
};

/// Situations, which are files of values.
fn situations() -> Vec<String> {
    let files = fs::read_dir(at("deploy/helm/situations"))
        .expect("the folder")
        .flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".yaml")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    names
}

/// The chart rendered with these arguments.
fn template(helm: &Path, chart: &Path, arguments: &[&str]) -> Finished {
    let mut template = command(helm, ["template", "mirror"]);
    template
        .arg(chart)
        .args(["--namespace", "build", "--kube-version", "1.33.0"])
        .args(arguments);
    ended(template)
}

fn chart() -> PathBuf {
    at("deploy/helm/stoa")
}

fn values_of(situation: &str) -> String {
    at("deploy/helm/situations")
        .join(format!("{situation}.yaml"))
        .display()
        .to_string()
}

fn golden(situation: &str) -> PathBuf {
    at("deploy/helm/golden").join(format!("{situation}.yaml"))
}

macro_rules! helm_or_skip {
    () => {
        match helm() {
            Ok(path) => path,
            Err(reason) => skip_or_fail!("{reason}"),
        }
    };
}

#[test]
fn helm_has_nothing_to_say_against_any_situation() {
    let helm = helm_or_skip!();
    for situation in situations() {
        let mut lint = command(
            &helm,
            ["lint", "--strict", "--quiet", "--values", &values_of(&situation)],
        );
        lint.arg(chart());
        let finished = ended(lint);
        assert!(finished.success, "{situation}: {finished}");
    }
}

#[test]
fn each_situation_is_rendered_as_before() {
    let helm = helm_or_skip!();
    for situation in situations() {
        let rendered = template(&helm, &chart(), &["--values", &values_of(&situation)]);
        assert!(rendered.success, "{situation}: {rendered}");
        let golden = golden(&situation);
        if variable("STOA_TEST_BLESS").is_some() {
            fs::write(&golden, &rendered.stdout).expect("a file");
        }
        let before = fs::read_to_string(&golden).unwrap_or_default();
        let differing = before
            .lines()
            .zip(rendered.stdout.lines())
            .find(|(before, now)| before != now);
        assert!(
            before == rendered.stdout,
            "{situation} is rendered otherwise than before: {differing:?}"
        );
    }
}

/// The pod of a situation.
fn pod(objects: &[Value]) -> &Value {
    let workload = objects.iter().find(|object| {
        ["StatefulSet", "Deployment"]
            .iter()
            .any(|kind| object["kind"] == *kind)
    });
    &workload.expect("a workload")["spec"]["template"]
}

fn objects(situation: &str) -> Vec<Value> {
    decode("manifests", &[golden(situation)], &[])
}

#[test]
fn every_object_is_one_that_kubernetes_knows_and_every_pod_is_walled_in() {
    if !is_here("go") {
        skip_or_fail!("there is no go to build what decodes them");
    }
    for situation in situations() {
        let objects = objects(&situation);
        let pod = pod(&objects);
        let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
        assert_eq!(spec["enableServiceLinks"], false, "{situation}");
        assert_eq!(spec["automountServiceAccountToken"], false, "{situation}");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{situation}");
        assert_eq!(
            container["securityContext"]["readOnlyRootFilesystem"], true,
            "{situation}"
        );
        assert_eq!(
            container["securityContext"]["allowPrivilegeEscalation"], false,
            "{situation}"
        );
        assert_eq!(
            container["securityContext"]["capabilities"]["drop"][0], "ALL",
            "{situation}"
        );
        let writable = |mount: &&Value| mount["readOnly"] != true;
        let mounts = container["volumeMounts"].as_array().expect("mounts");
        let written: Vec<_> = mounts
            .iter()
            .filter(writable)
            .map(|mount| &mount["mountPath"])
            .collect();
        assert_eq!(written, ["/var/lib/stoa"], "{situation}");

        let drain = variables(&objects, &situation)["STOA_LIMITS__DRAIN"].clone();
        let drain: u64 = drain.trim_end_matches('s').parse().expect("seconds");
        let stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            .as_u64()
            .expect("a pause");
        let grace = spec["terminationGracePeriodSeconds"].as_u64().expect("seconds");
        assert!(
            grace > drain + stop,
            "{situation}: {grace} s for {stop} and {drain}"
        );

        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            // Those two pages answer at the root whatever the base path; a test of the binary shows it.
            let path = &container[probe]["httpGet"]["path"];
            assert!(path == "/healthz" || path == "/readyz", "{situation}: {path}");
        }
        let labels = pod["metadata"]["labels"].as_object().expect("labels");
        for object in objects.iter().filter(|object| object["kind"] == "Service") {
            for (name, value) in object["spec"]["selector"].as_object().expect("a selector") {
                assert_eq!(
                    labels.get(name),
                    Some(value),
                    "{situation}: the service finds no pod"
                );
            }
        }
    }
}

/// What secrets of the cluster hold, in this test.
fn secret(name: &str, key: &str) -> &'static str {
    match (name, key) {
        ("stoa-redis", "url") => "redis://redis:6379",
        ("stoa-database", "url") => "postgres://stoa:secret@database:5432/stoa",
        _ => panic!("there is no secret {name} with a key {key}"),
    }
}

/// The environment of the program in a situation: the image's, and over it the pod's.
fn variables(objects: &[Value], situation: &str) -> BTreeMap<String, String> {
    let container = &pod(objects)["spec"]["containers"][0];
    let image = container["image"].as_str().expect("an image");
    let flavour = if image.ends_with("-full") {
        "full"
    } else {
        "minimal"
    };
    let mut variables = container::environment(flavour);
    for source in container["envFrom"].as_array().into_iter().flatten() {
        assert_eq!(source["secretRef"]["name"], "stoa-bucket", "{situation}");
        variables.insert("AWS_ACCESS_KEY_ID".into(), "key".into());
        variables.insert("AWS_SECRET_ACCESS_KEY".into(), "secret".into());
    }
    for variable in container["env"].as_array().expect("variables") {
        let name = variable["name"].as_str().expect("a name").to_owned();
        let reference = &variable["valueFrom"]["secretKeyRef"];
        let value = match (variable["value"].as_str(), reference["name"].as_str()) {
            (Some(value), _) => value,
            (None, Some(name)) => secret(name, reference["key"].as_str().expect("a key")),
            (None, None) => "",
        };
        let twice = variables.insert(name.clone(), value.to_owned());
        let of_image = container::environment(flavour).contains_key(&name);
        assert!(twice.is_none() || of_image, "{situation}: {name} is said twice");
    }
    variables
}

/// The files that a situation mounts.
fn files(objects: &[Value]) -> BTreeMap<String, String> {
    let pod = pod(objects);
    let mut files = BTreeMap::new();
    let mounts = pod["spec"]["containers"][0]["volumeMounts"]
        .as_array()
        .expect("mounts");
    for mount in mounts {
        let path = mount["mountPath"].as_str().expect("a path");
        let mut put = |name: &str, content: String| files.insert(format!("{path}/{name}"), content);
        match mount["name"].as_str().expect("a name") {
            "config" => {
                let map = objects
                    .iter()
                    .find(|object| object["kind"] == "ConfigMap")
                    .expect("the map");
                for (name, content) in map["data"].as_object().expect("data") {
                    put(name, content.as_str().expect("text").to_owned());
                }
            }
            "git" => {
                let host = "[[host]]\nprefix = \"git.example.com\"\ntoken = \"secret\"\n";
                put("credentials.toml", host.to_owned());
            }
            "tls" => {
                let issued = TestAuthority::new().issue(&["localhost"]);
                put("tls.crt", issued.certificate);
                put("tls.key", issued.key);
            }
            _ => {}
        }
    }
    files
}

#[test]
fn each_situation_starts_a_real_stoa() {
    if !is_here("go") {
        skip_or_fail!("there is no go to build what decodes them");
    }
    for situation in situations() {
        let objects = objects(&situation);
        let mut variables = variables(&objects, &situation);
        variables.insert("GOSUMDB".into(), "off".into());
        environment::starts(&situation, &variables, &files(&objects));
    }
}

#[test]
fn what_is_wrong_is_refused_with_a_word() {
    let helm = helm_or_skip!();
    for (set, word) in [
        ("storage.kynd=disk", "'kynd' not allowed"),
        ("replica=2", "'replica' not allowed"),
        ("image.flavor=full", "'flavor' not allowed"),
        ("storage.kind=nfs", "storage/kind"),
        ("basePath=go", "basePath"),
        ("replicas=2", "replicas: storage.kind disk serves one pod"),
        (
            "autoscaling.enabled=true",
            "autoscaling.enabled: storage.kind disk",
        ),
        ("storage.kind=s3", "storage.url: say where"),
        (
            "storage.url=s3://bucket",
            "storage.url: storage.kind disk has a place of its own",
        ),
        (
            "storage.urlSecret.name=database",
            "storage.urlSecret: storage.kind disk has a place of its own",
        ),
        (
            "direct.sshSecret=keys",
            "direct.sshSecret: ssh is in the full image",
        ),
        ("direct.git=command", "direct.git: command needs programs"),
        (
            "extraEnv[0].name=STOA_LIMITS__DRAIN,extraEnv[0].value=10m",
            "STOA_LIMITS__DRAIN is computed",
        ),
        ("ingress.enabled=true", "ingress.hosts: say at least one"),
        (
            "httpRoute.enabled=true",
            "httpRoute.parentRefs: say which gateway",
        ),
    ] {
        let refused = template(&helm, &chart(), &["--set", set]);
        assert!(
            !refused.success && refused.stderr.contains(word),
            "{set}: {refused}"
        );
    }
    let other = template(
        &helm,
        &chart(),
        &["--set", "storage.kind=gcs,storage.url=s3://bucket"],
    );
    assert!(
        other.stderr.contains("does not begin as storage.kind gcs does"),
        "{other}"
    );
}

#[test]
fn a_new_configuration_rolls_the_pods_and_the_drain_moves_the_grace_period() {
    let helm = helm_or_skip!();
    let line = |arguments: &[&str], part: &str| {
        let rendered = template(&helm, &chart(), arguments);
        assert!(rendered.success, "{rendered}");
        let found = rendered.stdout.lines().find(|line| line.contains(part));
        found.unwrap_or_default().trim().to_owned()
    };
    let checksum = |config: &str| line(&["--set", config], "checksum/config");
    let (one, other) = (checksum("config=a = 1"), checksum("config=a = 2"));
    assert!(!one.is_empty() && one != other, "{one} {other}");
    assert_eq!(one, checksum("config=a = 1"));
    let grace = line(&["--set", "drainSeconds=600"], "terminationGracePeriodSeconds");
    assert_eq!(grace, "terminationGracePeriodSeconds: 620");
}

#[test]
fn a_released_chart_names_the_images_of_its_release() {
    let helm = helm_or_skip!();
    let folder = tempfile::tempdir().expect("a folder");
    let mut dist = command(
        env!("CARGO_BIN_EXE_xtask"),
        ["dist", "chart", "registry.example.test/stoa"],
    );
    // Where the tests build helm, if the machine has none.
    let tools = helm
        .parent()
        .map(|tools| tools.display().to_string())
        .unwrap_or_default();
    let path = variable("PATH").unwrap_or_default();
    dist.arg(folder.path())
        .env("PATH", format!("{tools}:{path}"))
        .env("STOA_VERSION", "v1.2.3-rc.1");
    crate::house::done(dist);
    let packed = folder.path().join("stoa-1.2.3-rc.1.tgz");
    let rendered = template(&helm, &packed, &[]);
    assert!(
        rendered
            .stdout
            .contains("\"registry.example.test/stoa:1.2.3-rc.1\""),
        "{rendered}"
    );
}

/// `go` believes no proxy's certificate unseen, whatever GOINSECURE says.
#[test]
fn under_tls_the_test_asks_by_a_name_that_a_certificate_is_for() {
    let helm = helm_or_skip!();
    for (more, address, trusted) in [
        ("test.enabled=true", None, false),
        (
            "publicUrl=https://go.example.com",
            Some("https://go.example.com"),
            false,
        ),
        ("test.caSecret=ca", Some("https://mirror-stoa.build.svc:80"), true),
    ] {
        let set = format!("tls.secret=tls,{more}");
        let rendered = template(&helm, &chart(), &["--set", &set]);
        assert!(rendered.success, "{rendered}");
        let pod = rendered
            .stdout
            .split("\n---")
            .find(|object| object.contains("helm.sh/hook: test"));
        let asked = pod.map(|pod| {
            let (_, behind) = pod
                .split_once("name: GOPROXY\n          value: ")
                .expect("an address");
            behind.lines().next().unwrap_or_default()
        });
        assert_eq!(asked, address, "{more}");
        let pod = pod.unwrap_or_default();
        assert_eq!(
            pod.contains("value: /run/secrets/stoa/ca/ca.crt"),
            trusted,
            "{more}"
        );
        assert!(!pod.contains("GOINSECURE"), "{more}");
    }
}

#[test]
fn the_test_of_the_chart_downloads_a_module() {
    let helm = helm_or_skip!();
    let Some(mut go) = GoCommand::find() else {
        skip_or_fail!("there is no go command")
    };
    let arguments = [
        "--set",
        "test.module=example.test/greet@v1.0.0",
        "--show-only",
        "templates/tests/download.yaml",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pod.yaml");
    fs::write(&file, template(&helm, &chart(), &arguments).stdout).expect("a file");
    let pod = decode("manifests", &[file], &[]).pop().expect("a pod");
    assert_eq!(pod["metadata"]["annotations"]["helm.sh/hook"], "test");
    let container = &pod["spec"]["containers"][0];
    let words = container["command"].as_array().expect("a command");
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    assert_eq!(words[0], "go");

    let upstream = FakeUpstream::serving(fixtures());
    let server = Stoa::new(binary()).upstream(&upstream.url()).start();
    for variable in container["env"].as_array().expect("variables") {
        let value = variable["value"].as_str().expect("a value");
        match variable["name"].as_str().expect("a name") {
            "GOPROXY" => {
                assert_eq!(value, "http://mirror-stoa.build.svc:80");
                go = go.proxy(&server.url());
            }
            // Places of the pod.
            "HOME" | "TMPDIR" => assert_eq!(value, "/var/lib/stoa"),
            name => go = go.set(name, value),
        }
    }
    let told = go.succeed(folder.path(), words[1..].iter().copied());
    assert!(told.contains("\"Version\": \"v1.0.0\""), "{told}");
    assert_eq!(upstream.count("*v1.0.0.zip"), 1);
}

#[test]
fn the_notes_say_what_to_type() {
    let helm = helm_or_skip!();
    // Helm shows notes only after asking a cluster; in a map they are an object like any other.
    let folder = tempfile::tempdir().expect("a folder");
    let mut copy = command("cp", ["-r"]);
    copy.arg(chart()).arg(folder.path());
    crate::house::done(copy);
    let chart = folder.path().join("stoa");
    let notes = text("deploy/helm/stoa/templates/NOTES.txt");
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes\ndata:\n  notes: |\n    {{- include \"notes\" . | nindent 4 }}\n";
    fs::write(
        chart.join("templates/_notes.tpl"),
        format!("{{{{ define \"notes\" }}}}{notes}{{{{ end }}}}"),
    )
    .expect("a file");
    fs::write(chart.join("templates/notes.yaml"), map).expect("a file");
    for (situation, line) in [
        ("disk", "go env -w GOPROXY=http://mirror-stoa.build.svc:80"),
        ("disk-private", "go env -w GOPROXY=https://example.com/go"),
        ("gcs-gateway", "go env -w GOPROXY=https://go.example.com"),
        ("azure-tls", "go env -w GOPROXY=https://mirror-stoa.build.svc:443"),
    ] {
        let rendered = template(
            &helm,
            &chart,
            &[
                "--values",
                &values_of(situation),
                "--show-only",
                "templates/notes.yaml",
            ],
        );
        assert!(rendered.stdout.contains(line), "{situation}: {rendered}");
        assert!(
            rendered.stdout.contains("helm --namespace build test mirror"),
            "{rendered}"
        );
    }
}
