//! Secrets of clouds, payment and office services.

use super::catalog::{After, Detector};
use super::services::{after, secret, token, within};
use super::shape::Alphabet::{Alnum, Base64, Digit, Hex, Unreserved, Upper, Url};
use super::shape::Piece::{Run, Text};

pub(crate) const DETECTORS: &[Detector] = &[
    secret(
        "alibaba-access-key",
        "Access key id of Alibaba Cloud",
        "prefix, length",
        "Alibaba Cloud, AccessKey pairs",
        &[token("LTAI", &[Text("LTAI"), Run(Alnum, 20, 20)])],
    ),
    secret(
        "aws-access-key",
        "Access key id of AWS",
        "prefix, length, base 32",
        "AWS IAM user guide, Unique identifiers",
        &[
            token("AKIA", &[Text("AKIA"), Run(Upper, 16, 16)]),
            token("ASIA", &[Text("ASIA"), Run(Upper, 16, 16)]),
        ],
    ),
    after(
        "aws-secret-key",
        "Secret access key of AWS",
        "word before it, length, drawn by a machine",
        "AWS IAM user guide, Manage access keys",
        &[
            "aws_secret*",
            "aws secret*",
            "secret access key",
            "secretaccesskey",
            "aws.secret*",
            "secret_key",
            "aws-secret*",
        ],
        After {
            prefix: "",
            alphabet: Base64,
            length: (40, 40),
        },
    ),
    secret(
        "azure-client-secret",
        "Client secret of Microsoft Entra ID",
        "mark, length",
        "Microsoft Entra ID, Add and manage app credentials",
        &[within(
            "Q~",
            (4, 4),
            &[
                Run(Unreserved, 3, 3),
                Run(Digit, 1, 1),
                Text("Q~"),
                Run(Unreserved, 31, 34),
            ],
        )],
    ),
    secret(
        "azure-storage-key",
        "Account key of Azure storage",
        "name before it, 64 bytes in base64",
        "Azure storage, Configure connection strings",
        &[
            token("AccountKey=", &[Text("AccountKey="), Run(Base64, 88, 88)]),
            token(
                "SharedAccessKey=",
                &[Text("SharedAccessKey="), Run(Base64, 44, 44)],
            ),
        ],
    ),
    after(
        "box-token",
        "Client secret or token of Box",
        "word before it, length",
        "Box, Authentication",
        &[
            "box_client_secret",
            "box_token",
            "box_developer_token",
            "box client secret",
            "box access token",
            "box_access_token",
        ],
        After {
            prefix: "",
            alphabet: Alnum,
            length: (32, 32),
        },
    ),
    after(
        "cloudflare-token",
        "API token or key of Cloudflare",
        "word before it, length",
        "Cloudflare, API tokens",
        &["cloudflare*", "cf_api_token", "cf_api_key", "x-auth-key"],
        After {
            prefix: "",
            alphabet: Url,
            length: (37, 40),
        },
    ),
    secret(
        "digitalocean-token",
        "Token of DigitalOcean",
        "prefix, length",
        "DigitalOcean, Personal access tokens",
        &[
            token("dop_v1_", &[Text("dop_v1_"), Run(Hex, 64, 64)]),
            token("doo_v1_", &[Text("doo_v1_"), Run(Hex, 64, 64)]),
            token("dor_v1_", &[Text("dor_v1_"), Run(Hex, 64, 64)]),
        ],
    ),
    secret(
        "dropbox-token",
        "Access token of Dropbox",
        "prefix, length",
        "Dropbox, OAuth guide",
        &[
            token("sl.", &[Text("sl."), Run(Url, 120, 400)]),
            token("sl.u.", &[Text("sl.u."), Run(Url, 120, 400)]),
        ],
    ),
    secret(
        "gcp-api-key",
        "API key of Google Cloud",
        "prefix, length",
        "Google Cloud, Manage API keys",
        &[token("AIza", &[Text("AIza"), Run(Url, 35, 35)])],
    ),
    secret(
        "gcp-oauth-secret",
        "OAuth client secret and access token of Google",
        "prefix, length",
        "Google Identity, Using OAuth 2.0",
        &[
            token("GOCSPX-", &[Text("GOCSPX-"), Run(Url, 28, 28)]),
            token("ya29.", &[Text("ya29."), Run(Unreserved, 60, 400)]),
        ],
    ),
    secret(
        "heroku-key",
        "API key of Heroku",
        "prefix, length",
        "Heroku, OAuth token formats",
        &[token("HRKU-", &[Text("HRKU-"), Run(Url, 36, 66)])],
    ),
    after(
        "okta-token",
        "API token of Okta",
        "word before it, two zeros, length",
        "Okta, Create an API token",
        &["okta*", "ssws"],
        After {
            prefix: "00",
            alphabet: Url,
            length: (42, 42),
        },
    ),
    secret(
        "paystack-key",
        "Secret key of Paystack",
        "prefix, length",
        "Paystack, API keys",
        &[token("sk_live_", &[Text("sk_live_"), Run(Hex, 40, 40)])],
    ),
    secret(
        "planetscale-token",
        "Token and password of PlanetScale",
        "prefix, length",
        "PlanetScale, Service tokens",
        &[
            token("pscale_tkn_", &[Text("pscale_tkn_"), Run(Url, 32, 64)]),
            token("pscale_pw_", &[Text("pscale_pw_"), Run(Url, 32, 64)]),
        ],
    ),
    secret(
        "pulumi-token",
        "Access token of Pulumi",
        "prefix, length",
        "Pulumi, Access tokens",
        &[token("pul-", &[Text("pul-"), Run(Hex, 40, 40)])],
    ),
    secret(
        "sendgrid-key",
        "API key of SendGrid",
        "prefix, two lengths",
        "Twilio SendGrid, API keys",
        &[token(
            "SG.",
            &[Text("SG."), Run(Url, 22, 22), Text("."), Run(Url, 43, 43)],
        )],
    ),
    secret(
        "shopify-token",
        "Token of Shopify",
        "prefix, length",
        "Shopify, Authentication and authorization",
        &[
            token("shpat_", &[Text("shpat_"), Run(Hex, 32, 32)]),
            token("shpca_", &[Text("shpca_"), Run(Hex, 32, 32)]),
            token("shppa_", &[Text("shppa_"), Run(Hex, 32, 32)]),
            token("shpss_", &[Text("shpss_"), Run(Hex, 32, 32)]),
        ],
    ),
    secret(
        "square-token",
        "Access token and secret of Square",
        "prefix, length",
        "Square, Access tokens",
        &[
            token("sq0atp-", &[Text("sq0atp-"), Run(Url, 22, 22)]),
            token("sq0csp-", &[Text("sq0csp-"), Run(Url, 43, 43)]),
            token("EAAA", &[Text("EAAA"), Run(Url, 60, 60)]),
        ],
    ),
    secret(
        "stripe-key",
        "Secret or restricted key of Stripe",
        "prefix, length",
        "Stripe, API keys",
        &[
            token("sk_live_", &[Text("sk_live_"), Run(Alnum, 24, 24)]),
            token("sk_live_", &[Text("sk_live_"), Run(Alnum, 90, 110)]),
            token("sk_test_", &[Text("sk_test_"), Run(Alnum, 24, 24)]),
            token("sk_test_", &[Text("sk_test_"), Run(Alnum, 90, 110)]),
            token("rk_live_", &[Text("rk_live_"), Run(Alnum, 24, 110)]),
            token("whsec_", &[Text("whsec_"), Run(Alnum, 32, 32)]),
        ],
    ),
    secret(
        "supabase-token",
        "Access token of Supabase",
        "prefix, length",
        "Supabase, Management API",
        &[token("sbp_", &[Text("sbp_"), Run(Hex, 40, 40)])],
    ),
    secret(
        "terraform-token",
        "API token of HCP Terraform",
        "mark, two lengths",
        "HashiCorp, HCP Terraform API tokens",
        &[within(
            ".atlasv1.",
            (14, 14),
            &[Run(Alnum, 14, 14), Text(".atlasv1."), Run(Url, 60, 70)],
        )],
    ),
    after(
        "twilio-key",
        "Auth token or API key secret of Twilio",
        "word before it, length",
        "Twilio, Auth tokens; API keys",
        &["twilio*"],
        After {
            prefix: "",
            alphabet: Alnum,
            length: (32, 34),
        },
    ),
    secret(
        "vault-token",
        "Token of HashiCorp Vault",
        "prefix, length",
        "HashiCorp Vault, Tokens, token prefixes",
        &[
            token("hvs.", &[Text("hvs."), Run(Url, 90, 120)]),
            token("hvs.", &[Text("hvs."), Run(Alnum, 24, 24)]),
            token("hvb.", &[Text("hvb."), Run(Url, 138, 300)]),
        ],
    ),
];
