//! The other side: Debian's nginx over a folder of files.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{port::Port, process};

/// An nginx that runs; it is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    port: Port,
    folder: TempDir,
}

impl Nginx {
    /// Serves the files of a folder, with one worker for each core.
    pub(crate) fn start(tree: &Path, access_log: bool) -> Self {
        let folder = TempDir::with_prefix("stoa-nginx-").expect("a folder can be made");
        let port = Port::reserve();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(folder.path(), tree, &port, access_log))
            .expect("a file can be written");
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(folder.path().join("error.log"));
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx can be started");
        let nginx = Self { child, port, folder };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(nginx.port.address()).is_err() {
            assert!(
                Instant::now() < deadline,
                "nginx does not listen: {}",
                nginx.complaints()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        nginx
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    fn complaints(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers; it may have ended itself already.
        let _ = process::terminate(&self.child);
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, tree: &Path, port: &Port, access_log: bool) -> String {
    let (folder, tree) = (folder.display(), tree.display());
    let log = if access_log {
        format!("{folder}/access.log combined")
    } else {
        "off".to_owned()
    };
    // Workers of a master that root started would otherwise be nobody, who may not read a private folder.
    let user = if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        "user root;\n"
    } else {
        ""
    };
    format!(
        "{user}daemon off;\nworker_processes auto;\npid {folder}/nginx.pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
           access_log {log};\n\
           sendfile on;\n\
           tcp_nopush on;\n\
           keepalive_requests 1000000000;\n\
           client_body_temp_path {folder}/body;\n\
           proxy_temp_path {folder}/proxy;\n\
           fastcgi_temp_path {folder}/fastcgi;\n\
           uwsgi_temp_path {folder}/uwsgi;\n\
           scgi_temp_path {folder}/scgi;\n\
           default_type application/octet-stream;\n\
           types {{ application/json info; \"text/plain; charset=utf-8\" mod; application/zip zip; }}\n\
           server {{ listen 127.0.0.1:{}; root {tree}; etag on; }}\n\
         }}\n",
        port.number()
    )
}
