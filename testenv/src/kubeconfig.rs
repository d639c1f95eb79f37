use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::pki::Identity;

/// How one user reaches a control plane: the YAML text, and a file that holds it.
///
/// Certificates and key are inline. The file goes with the control plane; the text may be
/// kept, for instance to try a server that is gone.
#[derive(Clone)]
pub struct Kubeconfig {
    yaml: String,
    path: PathBuf,
}

impl Kubeconfig {
    /// The kubeconfig as YAML.
    #[must_use]
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// A file with that text, readable by this user only, below the control plane's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(
        path: PathBuf,
        server: &str,
        ca: &str,
        user: &Identity,
    ) -> Result<Self, Error> {
        let [ca, certificate, key] =
            [ca, &user.certificate, &user.key].map(|pem| STANDARD.encode(pem));
        let yaml = format!(
            "apiVersion: v1
kind: Config
clusters:
- name: testenv
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: user
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: testenv
  context:
    cluster: testenv
    user: user
current-context: testenv
"
        );
        write_private(&path, &yaml)?;
        Ok(Self { yaml, path })
    }
}

impl fmt::Debug for Kubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubeconfig")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Writes a file below the control plane's folder, which only this user may enter.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text)
        .map_err(|error| Error::caused_by(format!("cannot write {}", path.display()), error))
}
