//! What looks like something sensitive and is not: every detector must stay quiet here.

use crate::draw::Draw;
use crate::tokens::base64;

type Make = fn(&mut Draw) -> String;

/// Documents of one kind each, with what people keep in them.
pub const LOOKALIKES: &[(&str, Make)] = &[
    ("order numbers", |d| {
        lines(d, 20, |d| {
            format!("Order {} shipped, order no. {}", d.digits(9), d.digits(16))
        })
    }),
    ("sixteen digits in a table", |d| {
        format!(
            "item;ledger;amount\n{}",
            lines(d, 60, |d| format!(
                "{};{};{}",
                d.digits(4),
                d.digits(16),
                d.digits(3)
            ))
        )
    }),
    ("timestamps", |d| {
        lines(d, 40, |d| {
            format!(
                "2024-05-{:02}T{:02}:{:02}:{:02}Z 17{} 17{} 2024{:02}{:02}{}",
                d.between(1, 28),
                d.below(24),
                d.below(60),
                d.below(60),
                d.digits(8),
                d.digits(11),
                d.between(1, 12),
                d.between(1, 28),
                d.digits(6)
            )
        })
    }),
    ("uuids", |d| {
        lines(d, 30, |d| d.spell("id={h8}-{h4}-4{h3}-a{h3}-{h12}"))
    }),
    ("hashes of commits", |d| {
        lines(d, 30, |d| d.spell("commit {h40} fixes {h7}, sha256:{h64}"))
    }),
    ("books", |d| {
        lines(d, 20, |d| {
            format!(
                "ISBN 978-3-{}-{}-{}, ISBN-10: {}",
                d.digits(4),
                d.digits(4),
                d.digits(1),
                d.digits(10)
            )
        })
    }),
    ("colours", |d| {
        lines(d, 30, |d| {
            d.spell("color: #{h6}; background: #{h6}; border: 1px solid #{h3};")
        })
    }),
    ("a picture in base64", |d| {
        let bytes: Vec<u8> = (0..6000).map(|_| d.below(256) as u8).collect();
        format!(
            "<img src=\"data:image/png;base64,{}\">",
            base64(&bytes, false)
        )
    }),
    ("lorem ipsum", |d| {
        lines(d, 20, |d| {
            d.of(&[
                "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
                "sed do eiusmod tempor incididunt ut labore et dolore",
                "Ut enim ad minim veniam, quis nostrud exercitation",
            ])
            .to_owned()
        })
    }),
    ("versions", |d| {
        lines(d, 30, |d| {
            format!(
                "serde = \"{}.{}.{}\" # v{}.{}.{}-rc{}, build {}",
                d.below(9),
                d.below(99),
                d.below(999),
                d.below(9),
                d.below(99),
                d.below(999),
                d.below(9),
                d.digits(8)
            )
        })
    }),
    ("a spreadsheet of numbers", |d| {
        lines(d, 60, |d| {
            format!(
                "{}\t{}\t{}.{}\t{}\t{}",
                d.digits(9),
                d.digits(11),
                d.digits(5),
                d.digits(2),
                d.digits(10),
                d.digits(13)
            )
        })
    }),
    ("addresses of machines", |d| {
        lines(d, 30, |d| {
            format!(
                "10.{}.{}.{} -> 192.168.{}.{}:{} mac {}",
                d.below(256),
                d.below(256),
                d.below(256),
                d.below(256),
                d.below(256),
                d.between(1024, 65535),
                d.spell("{h2}:{h2}:{h2}:{h2}:{h2}:{h2}")
            )
        })
    }),
    ("parcels", |d| {
        lines(d, 20, |d| {
            format!(
                "tracking number 1Z{} and parcel 00{}",
                d.spell("{U6}{d10}"),
                d.digits(18)
            )
        })
    }),
    ("source code", |_| CODE.to_owned()),
    ("settings with placeholders", |_| PLACEHOLDERS.to_owned()),
    ("published test values", |_| PUBLISHED.concat()),
    ("prose with words but no values", |_| WORDS.to_owned()),
    ("coordinates", |d| {
        lines(d, 40, |d| {
            format!(
                "{{\"lat\": {}.{}, \"lon\": -{}.{}}}",
                d.below(90),
                d.digits(9),
                d.below(180),
                d.digits(12)
            )
        })
    }),
    ("money", |d| {
        lines(d, 30, |d| {
            format!(
                "paid by bank transfer: EUR {}.{},{} on account of invoice {}",
                d.below(999),
                d.digits(3),
                d.digits(2),
                d.digits(9)
            )
        })
    }),
    ("article numbers", |d| {
        lines(d, 30, |d| {
            format!(
                "EAN 40{} GTIN 0{} part no. {}{}",
                d.digits(11),
                d.digits(13),
                d.letters(2),
                d.digits(6)
            )
        })
    }),
    ("lock files", |d| {
        lines(d, 30, |d| {
            format!(
                "\"integrity\": \"sha512-{}==\", \"resolved\": \"https://host/pkg-{}.{}.tgz\"",
                d.spell("{b86}"),
                d.below(9),
                d.below(99)
            )
        })
    }),
    ("snowflakes", |d| {
        lines(d, 30, |d| {
            format!(
                "message {}{} by user {}{}",
                d.between(4, 9),
                d.digits(17),
                d.between(1, 9),
                d.digits(18)
            )
        })
    }),
    ("paths", |d| {
        lines(d, 30, |d| {
            d.spell("/users/{d9}/files/{d12}/versions/{d15}?page={d2}&size=100")
        })
    }),
    ("measurements", |d| {
        lines(d, 60, |d| {
            format!(
                "{} {} {} {} {} {}",
                d.digits(4),
                d.digits(4),
                d.digits(4),
                d.digits(4),
                d.digits(4),
                d.digits(4)
            )
        })
    }),
    ("names of machines", |d| {
        lines(d, 30, |d| {
            format!(
                "host db-prod-eu-central-{}.internal token_count={} key_version={} password_length={}",
                d.digits(2),
                d.digits(5),
                d.below(9),
                d.below(30)
            )
        })
    }),
];

fn lines(draw: &mut Draw, count: usize, line: Make) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text += &line(draw);
        text.push('\n');
    }
    text
}

const CODE: &str = r##"
    let password = read_password(&prompt)?;
    let token: &str = request.headers().get("authorization").unwrap_or_default();
    if password == other.password { return Err(Error::Password); }
    self.secret = secret.clone();
    const API_KEY: &str = env!("SERVICE_API_KEY");
    password: String, secret_key: Option<SecretKey>, api_key = os.environ["API_KEY"]
    <input type="password" name="password" placeholder="Password">
    @app.route("/token", methods=["POST"])
    config.password = process.env.DB_PASSWORD;
    key = sorted(items, key=lambda item: item.name)
    public_key = "ssh-rsa AAAAB3NzaC1yc2E user@host"
    icon@2x.png logo@3x.jpg git@github.com:team/project.git @scope/package@1.2.3
    #[derive(Debug)] struct Token { kind: Kind, key: String }
    password_field = "password"  # pwd: required
"##;

const PLACEHOLDERS: &str = r#"
    PASSWORD=changeme
    DB_PASSWORD=${DB_PASSWORD}
    password: "<your password>"
    api_key = "YOUR_API_KEY_GOES_HERE_1234"
    secret: xxxxxxxxxxxxxxxxxxxxxxxxxxxx
    token=$TOKEN
    password = "********"
    DATABASE_URL=postgres://user:password@localhost:5432/db
    url = "https://user:${PASSWORD}@host/path"
    aws_secret_access_key = <secret>
    client_secret: {{ vault.client_secret }}
    github_token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    sendgrid: SG.xxxxxxxxxxxxxxxxxxxxxx.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    -----BEGIN PRIVATE KEY-----
    ...
    -----END PRIVATE KEY-----
"#;

const PUBLISHED: &[&str] = &[
    "Test card number: 4111 1111 1111 1111, or 4242424242424242; American Express 378282246310005.\n",
    "Example IBAN: DE89 3704 0044 0532 0130 00, GB82 WEST 1234 5698 7654 32\n",
    "SSN 078-05-1120 was printed on cards in wallets; ssn: 123-45-6789\n",
    "aws_access_key_id = AKIA",
    "IOSFODNN7",
    "EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI",
    "/K7MDENG/",
    "bPxRfiCYEXAMPLEKEY\n",
    "National Insurance number: QQ 12 34 56 C, CPF 111.111.111-11, card 0000 0000 0000 0000\n",
    "write to someone@example.com or 555-0100\n",
];

const WORDS: &str = "The password policy asks for twelve characters. A token is sent by mail; the key is under the mat. \
    Your card number and your account are safe. The patient was born in spring and the diagnosis is pending. \
    Social security and tax id are asked for later, the IBAN too. Call the office in room 12 on 3 May 2024. \
    Never share your PIN, SSN or passport number. Secrets: none. Credit card payments take 3-5 days.\n";
