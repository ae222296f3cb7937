//! Secrets of services for developers: what each vendor's tokens look like.

use super::catalog::{After, Detector, Finds, Secret};
use super::shape::Alphabet::{Alnum, Base64, Digit, Hex, Lower, Unreserved, Upper, Url};
use super::shape::Piece::{Run, Text};
use super::shape::{Shape, has_crc62, is_drawn_token};

pub(crate) const DETECTORS: &[Detector] = &[
    secret(
        "anthropic-key",
        "Key of the Anthropic API",
        "prefix, length, drawn by a machine",
        "Anthropic, API keys",
        &[token(
            "sk-ant-",
            &[
                Text("sk-ant-"),
                Run(Lower, 3, 8),
                Text("-"),
                Run(Url, 80, 120),
            ],
        )],
    ),
    secret(
        "cargo-token",
        "Token of a registry of Rust packages",
        "prefix, length",
        "The Cargo book, Registry authentication",
        &[token("cio", &[Text("cio"), Run(Alnum, 32, 32)])],
    ),
    secret(
        "databricks-token",
        "Access token of Databricks",
        "prefix, length",
        "Databricks, Personal access token authentication",
        &[
            token("dapi", &[Text("dapi"), Run(Hex, 32, 32)]),
            token(
                "dapi",
                &[Text("dapi"), Run(Hex, 32, 32), Text("-"), Run(Digit, 1, 2)],
            ),
        ],
    ),
    after(
        "datadog-key",
        "API or application key of Datadog",
        "word before it, length",
        "Datadog, API and application keys",
        &[
            "datadog*",
            "dd_api_key",
            "dd_app_key",
            "dd-api-key",
            "dd-application-key",
        ],
        After {
            prefix: "",
            alphabet: Hex,
            length: (32, 40),
        },
    ),
    secret(
        "docker-token",
        "Access token of Docker Hub",
        "prefix, length",
        "Docker, Personal access tokens",
        &[token("dckr_pat_", &[Text("dckr_pat_"), Run(Url, 27, 27)])],
    ),
    secret(
        "doppler-token",
        "Token of Doppler",
        "prefix, length",
        "Doppler, Auth token formats",
        &[
            token("dp.pt.", &[Text("dp.pt."), Run(Alnum, 40, 44)]),
            token("dp.st.", &[Text("dp.st."), Run(Alnum, 40, 44)]),
            token(
                "dp.st.",
                &[
                    Text("dp.st."),
                    Run(Url, 2, 35),
                    Text("."),
                    Run(Alnum, 40, 44),
                ],
            ),
        ],
    ),
    secret(
        "github-token",
        "Token of GitHub: personal, OAuth, app",
        "prefix, length, CRC-32 in base 62",
        "GitHub, Behind GitHub's new authentication token formats",
        &[
            summed("ghp_", &[Text("ghp_"), Run(Alnum, 36, 36)]),
            summed("gho_", &[Text("gho_"), Run(Alnum, 36, 36)]),
            summed("ghu_", &[Text("ghu_"), Run(Alnum, 36, 36)]),
            summed("ghs_", &[Text("ghs_"), Run(Alnum, 36, 36)]),
            summed("ghr_", &[Text("ghr_"), Run(Alnum, 36, 36)]),
        ],
    ),
    secret(
        "github-fine-grained-token",
        "Fine-grained personal access token of GitHub",
        "prefix, two lengths",
        "GitHub, Managing your personal access tokens",
        &[token(
            "github_pat_",
            &[
                Text("github_pat_"),
                Run(Alnum, 22, 22),
                Text("_"),
                Run(Alnum, 59, 59),
            ],
        )],
    ),
    secret(
        "gitlab-token",
        "Token of GitLab: personal, deploy, runner",
        "prefix, length",
        "GitLab, Token overview, token prefixes",
        &[
            token("glpat-", &[Text("glpat-"), Run(Unreserved, 20, 64)]),
            token("gldt-", &[Text("gldt-"), Run(Url, 20, 20)]),
            token("glrt-", &[Text("glrt-"), Run(Url, 20, 20)]),
            token("glptt-", &[Text("glptt-"), Run(Hex, 40, 40)]),
        ],
    ),
    secret(
        "grafana-token",
        "Service account token of Grafana",
        "prefix, length",
        "Grafana, Service accounts",
        &[token(
            "glsa_",
            &[Text("glsa_"), Run(Alnum, 32, 32), Text("_"), Run(Hex, 8, 8)],
        )],
    ),
    secret(
        "hugging-face-token",
        "Access token of Hugging Face",
        "prefix, length",
        "Hugging Face, User access tokens",
        &[token("hf_", &[Text("hf_"), Run(Alnum, 34, 34)])],
    ),
    secret(
        "new-relic-key",
        "Key of New Relic",
        "prefix, length",
        "New Relic, API keys",
        &[
            token("NRAK-", &[Text("NRAK-"), Run(Upper, 27, 27)]),
            token("NRJS-", &[Text("NRJS-"), Run(Hex, 19, 19)]),
            token("NRII-", &[Text("NRII-"), Run(Url, 32, 32)]),
        ],
    ),
    secret(
        "npm-token",
        "Access token of npm",
        "prefix, length, CRC-32 in base 62",
        "GitHub, Announcing npm's new access token format",
        &[summed("npm_", &[Text("npm_"), Run(Alnum, 36, 36)])],
    ),
    secret(
        "openai-key",
        "Key of the OpenAI API",
        "prefix, mark in the middle, length",
        "OpenAI, API keys",
        &[
            token("sk-proj-", &[Text("sk-proj-"), Run(Url, 100, 200)]),
            token("sk-svcacct-", &[Text("sk-svcacct-"), Run(Url, 100, 200)]),
            within("T3BlbkFJ", (23, 23), &[Text("sk-"), Run(Alnum, 48, 48)]),
        ],
    ),
    secret(
        "postman-key",
        "API key of Postman",
        "prefix, two lengths",
        "Postman, API keys",
        &[token(
            "PMAK-",
            &[Text("PMAK-"), Run(Hex, 24, 24), Text("-"), Run(Hex, 34, 34)],
        )],
    ),
    secret(
        "pypi-token",
        "API token of PyPI",
        "prefix with the registry's name in base64",
        "PyPI, API tokens; Macaroons",
        &[token("pypi-AgE", &[Text("pypi-AgE"), Run(Url, 70, 300)])],
    ),
    secret(
        "rubygems-key",
        "API key of RubyGems",
        "prefix, length",
        "RubyGems guides, API key scopes",
        &[token("rubygems_", &[Text("rubygems_"), Run(Hex, 48, 48)])],
    ),
    secret(
        "sentry-token",
        "Auth token of Sentry",
        "prefix, length",
        "Sentry, Auth tokens",
        &[
            token(
                "sntrys_",
                &[
                    Text("sntrys_"),
                    Run(Base64, 80, 300),
                    Text("_"),
                    Run(Base64, 43, 43),
                ],
            ),
            token("sntryu_", &[Text("sntryu_"), Run(Hex, 64, 64)]),
        ],
    ),
];

/// A detector of tokens that say themselves what they are.
pub(crate) const fn secret(
    name: &'static str,
    what: &'static str,
    check: &'static str,
    source: &'static str,
    tokens: &'static [Secret],
) -> Detector {
    Detector {
        name,
        what,
        check,
        source,
        finds: Finds::Secret(tokens),
        ..Detector::SECRET
    }
}

/// A detector of values that only the words before them give away.
pub(crate) const fn after(
    name: &'static str,
    what: &'static str,
    check: &'static str,
    source: &'static str,
    words: &'static [&'static str],
    value: After,
) -> Detector {
    Detector {
        name,
        what,
        check,
        source,
        words,
        finds: Finds::After(value),
        ..Detector::SECRET
    }
}

pub(crate) const fn token(literal: &'static str, shape: Shape) -> Secret {
    Secret {
        literal,
        back: (0, 0),
        shape,
        sound: is_drawn_token,
    }
}

const fn summed(literal: &'static str, shape: Shape) -> Secret {
    Secret {
        literal,
        back: (0, 0),
        shape,
        sound: has_crc62,
    }
}

/// A token whose mark is in its middle, so many characters after its start.
pub(crate) const fn within(literal: &'static str, back: (u8, u8), shape: Shape) -> Secret {
    Secret {
        literal,
        back,
        shape,
        sound: is_drawn_token,
    }
}
