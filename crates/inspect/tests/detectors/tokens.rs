//! Secrets as their vendors' pages describe them. They are drawn and belong to nobody; prefixes are put together here from
//! parts, so that no scanner of code takes this file for a leak.

use crate::draw::Draw;

/// A detector, the name in a file of settings, and what a value looks like in the language of [`Draw::spell`].
pub const TOKENS: &[(&str, &str, &str)] = &[
    (
        "alibaba-access-key",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "LT~AI{a20}",
    ),
    (
        "anthropic-key",
        "ANTHROPIC_API_KEY",
        "sk-~ant-api03-{u93}AA",
    ),
    ("atlassian-token", "JIRA_TOKEN", "ATA~TT3{u180}=6A3F5C2E"),
    ("aws-access-key", "AWS_ACCESS_KEY_ID", "AK~IA{U16}"),
    ("aws-secret-key", "aws_secret_access_key", "{b40}"),
    (
        "azure-client-secret",
        "AZURE_CLIENT_SECRET",
        "{a3}8~Q~~{u31}",
    ),
    (
        "azure-storage-key",
        "AZURE_STORAGE",
        "DefaultEndpointsProtocol=https;AccountName=store;Account~Key={b86}==",
    ),
    ("box-token", "box_client_secret", "{a32}"),
    ("cloudflare-token", "CLOUDFLARE_API_TOKEN", "{u40}"),
    ("cargo-token", "CARGO_REGISTRY_TOKEN", "ci~o{a32}"),
    ("databricks-token", "DATABRICKS_TOKEN", "da~pi{h32}"),
    ("datadog-key", "DATADOG_API_KEY", "{h32}"),
    ("digitalocean-token", "DO_TOKEN", "do~p_v1_{h64}"),
    ("discord-token", "DISCORD_BOT", "MTA{a21}.G{u5}.{u38}"),
    ("docker-token", "DOCKER_PAT", "dc~kr_pat_{u27}"),
    ("doppler-token", "DOPPLER", "dp~.pt.{a43}"),
    ("dropbox-token", "DROPBOX", "s~l.{u136}"),
    ("figma-token", "FIGMA", "fi~gd_{u40}"),
    ("gcp-api-key", "GOOGLE_MAPS", "AI~za{u35}"),
    ("gcp-oauth-secret", "GOOGLE_CLIENT", "GO~CSPX-{u28}"),
    (
        "github-fine-grained-token",
        "GH_PAT",
        "github~_pat_{a22}_{a59}",
    ),
    ("github-token", "GITHUB", "gh~p_#"),
    ("gitlab-token", "GITLAB", "gl~pat-{u20}"),
    ("grafana-token", "GRAFANA", "gl~sa_{a32}_{h8}"),
    ("heroku-key", "HEROKU", "HR~KU-{u60}"),
    ("hugging-face-token", "HF", "hf~_{a34}"),
    ("linear-key", "LINEAR", "lin~_api_{a40}"),
    ("mailgun-key", "MAILGUN", "ke~y-{h32}"),
    ("new-relic-key", "NEW_RELIC", "NR~AK-{U27}"),
    ("notion-token", "NOTION", "nt~n_{a46}"),
    ("npm-token", "NPM", "np~m_#"),
    ("okta-token", "OKTA_API_TOKEN", "00{u40}"),
    ("openai-key", "OPENAI", "s~k-{a20}T3Blbk~FJ{a20}"),
    ("paystack-key", "PAYSTACK", "s~k_live_{h40}"),
    ("planetscale-token", "PLANETSCALE", "psc~ale_tkn_{u43}"),
    ("postman-key", "POSTMAN", "PM~AK-{h24}-{h34}"),
    ("pulumi-token", "PULUMI", "pu~l-{h40}"),
    ("pypi-token", "PYPI", "py~pi-AgEIcHlwaS5vcmc{u120}"),
    ("rubygems-key", "RUBYGEMS", "ruby~gems_{h48}"),
    ("sendgrid-key", "SENDGRID", "S~G.{u22}.{u43}"),
    ("sentry-token", "SENTRY", "sn~tryu_{h64}"),
    ("shopify-token", "SHOPIFY", "sh~pat_{h32}"),
    ("slack-token", "SLACK", "xo~xb-{d12}-{d12}-{a24}"),
    (
        "slack-webhook",
        "SLACK_URL",
        "https://hooks.~slack.com/services/T{U9}/B{U9}/{a24}",
    ),
    ("square-token", "SQUARE", "sq~0atp-{u22}"),
    ("stripe-key", "STRIPE", "s~k_live_{a24}"),
    ("supabase-token", "SUPABASE", "sb~p_{h40}"),
    ("telegram-token", "TELEGRAM", "{d9}:A~A{u33}"),
    ("terraform-token", "TFE", "{a14}.atlas~v1.{u67}"),
    ("twilio-key", "TWILIO_AUTH_TOKEN", "{h32}"),
    ("vault-token", "VAULT", "hv~s.{u95}"),
    ("generic-secret", "SERVICE_API_KEY", "{a40}"),
    ("generic-secret", "internal_token", "{h48}"),
    ("jwt", "session", "#"),
    ("private-key", "tls", "#"),
    ("password", "DB_PASSWORD", "{l6}!{a4}#1"),
    ("password", "admin_password", "{a12}7$"),
    (
        "connection-string",
        "DATABASE_URL",
        "postgres://app:{a14}@db.internal:5432/app",
    ),
    (
        "connection-string",
        "DSN",
        "Server=tcp:db;Database=app;User Id=app;Password={a14};Encrypt=true",
    ),
    (
        "basic-auth-url",
        "FEED",
        "https://robot:{a14}@feeds.internal.net/daily",
    ),
];

/// A value of a kind; checksums that a specification cannot say are made here.
pub fn token(draw: &mut Draw, detector: &str, specification: &str) -> String {
    // A `~` parts a prefix in the table, and two are one.
    let plain = specification
        .replace("~~", "\0")
        .replace('~', "")
        .replace('\0', "~");
    match detector {
        "github-token" | "npm-token" => {
            let body = draw.spell("{a30}");
            format!(
                "{}{body}{}",
                plain.trim_end_matches('#'),
                base62(crc32(body.as_bytes()))
            )
        }
        "jwt" => {
            let header = base64(b"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", true);
            let claims = base64(
                format!(
                    "{{\"sub\":\"{}\",\"iat\":17{}}}",
                    draw.digits(10),
                    draw.digits(8)
                )
                .as_bytes(),
                true,
            );
            format!("{header}.{claims}.{}", draw.spell("{u43}"))
        }
        "private-key" => {
            let lines: Vec<String> = (0..6).map(|_| draw.spell("{b64}")).collect();
            let label = draw.of(&["RSA PRIVATE", "EC PRIVATE", "PRIVATE", "OPENSSH PRIVATE"]);
            format!(
                "-----BEGIN {label} KEY-----\n{}\n-----END {label} KEY-----",
                lines.join("\n")
            )
        }
        _ => draw.spell(&plain),
    }
}

/// CRC-32 bit by bit (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

fn base62(mut number: u32) -> String {
    let digits: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut text = Vec::new();
    for _ in 0..6 {
        text.push(digits[number as usize % 62]);
        number /= 62;
    }
    text.into_iter().rev().collect()
}

/// Base64 without padding, for addresses or not (RFC 4648).
pub fn base64(bytes: &[u8], is_url: bool) -> String {
    let mut digits: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    digits.extend(if is_url { ['-', '_'] } else { ['+', '/'] });
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        text.extend(
            (0..=three.len()).map(|place| digits[(number >> (18 - 6 * place) & 63) as usize]),
        );
    }
    text
}
