//! Where a credential comes from: an environment variable, or a file that nobody else can read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use casbah_model::connection::ConnectionId;
use casbah_model::secret::Secret;

use crate::exit::{Exit, Failure};

/// Rights of the group and of others, none of which may be there.
const FOREIGN_RIGHTS: u32 = 0o077;
/// A secret is a line and a certificate with its key a page; anything larger is some other file.
const FILE_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug, PartialEq, Eq)]
pub enum Credential {
    SecretVariable(String),
    SecretFile(PathBuf),
    /// A PEM text with a certificate and its private key.
    CertificateFile(PathBuf),
    /// A private key alone, as a PEM text or a JWK.
    PrivateKeyFile(PathBuf),
}

impl Credential {
    /// Takes the one source that is given; file names are relative to the folder of the config file.
    pub fn choose(
        folder: &Path,
        variable: Option<String>,
        secret_file: Option<String>,
        certificate_file: Option<String>,
        private_key_file: Option<String>,
    ) -> Result<Credential, String> {
        let given = [
            (
                "client_secret_env",
                variable.map(Credential::SecretVariable),
            ),
            (
                "client_secret_file",
                secret_file.map(|name| Credential::SecretFile(folder.join(name))),
            ),
            (
                "certificate_file",
                certificate_file.map(|name| Credential::CertificateFile(folder.join(name))),
            ),
            (
                "private_key_file",
                private_key_file.map(|name| Credential::PrivateKeyFile(folder.join(name))),
            ),
        ];
        let mut given = given
            .into_iter()
            .filter_map(|(key, source)| Some((key, source?)));
        match (given.next(), given.next()) {
            (Some((_, source)), None) => Ok(source),
            (Some((one, _)), Some((other, _))) => Err(format!("both {one} and {other} are given; leave one out")),
            (None, _) => {
                Err(
                    "none of client_secret_env, client_secret_file, certificate_file and private_key_file is given; add one"
                        .into(),
                )
            }
        }
    }

    /// The value of the app setting `credential`.
    pub fn kind(&self) -> &'static str {
        match self {
            Credential::SecretVariable(_) | Credential::SecretFile(_) => "secret",
            Credential::CertificateFile(_) => "certificate",
            Credential::PrivateKeyFile(_) => "private-key",
        }
    }

    /// Reads it.
    pub fn read(&self, connection: &ConnectionId) -> Result<Secret, Failure> {
        let read = match self {
            Credential::SecretVariable(name) => variable(name),
            Credential::SecretFile(path) => {
                file(path).map(|text| Secret::new(text.reveal().trim()))
            }
            Credential::CertificateFile(path) | Credential::PrivateKeyFile(path) => file(path),
        };
        let read = read.and_then(|secret| match secret.reveal().is_empty() {
            true => Err(failure(format!("{} is empty", self.place()))
                .with_fix("put the secret's value into it")),
            false => Ok(secret),
        });
        read.map_err(|failure| failure.at(format!("connection \"{connection}\"")))
    }

    fn place(&self) -> String {
        match self {
            Credential::SecretVariable(name) => format!("the environment variable {name}"),
            Credential::SecretFile(path)
            | Credential::CertificateFile(path)
            | Credential::PrivateKeyFile(path) => path.display().to_string(),
        }
    }
}

fn failure(what: String) -> Failure {
    Failure::new(Exit::Environment, what)
}

#[expect(
    clippy::disallowed_methods,
    reason = "which variable holds a secret is known from the config file only"
)]
fn variable(name: &str) -> Result<Secret, Failure> {
    let what = match std::env::var(name) {
        Ok(value) => return Ok(Secret::new(value.trim())),
        Err(std::env::VarError::NotPresent) => {
            format!("the environment variable {name} is not set")
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            format!("the environment variable {name} is not text")
        }
    };
    Err(failure(what).with_fix(format!("type: read -rs {name} && export {name}")))
}

fn file(path: &Path) -> Result<Secret, Failure> {
    let unreadable =
        |error: std::io::Error| failure(format!("cannot read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    // Asked of the open file, so that it cannot be exchanged in between.
    let about = file.metadata().map_err(unreadable)?;
    if about.permissions().mode() & FOREIGN_RIGHTS != 0 {
        let what = format!("others on this machine can read {}", path.display());
        return Err(failure(what).with_fix(format!("type: chmod 600 '{}'", path.display())));
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(failure(format!(
            "{} is too large for a secret or a certificate",
            path.display()
        )));
    }
    let mut text = String::with_capacity(about.len() as usize + 1);
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(Secret::new(text))
}
