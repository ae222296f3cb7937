//! Secrets of services that people work and talk with.

use super::catalog::Detector;
use super::services::{secret, token, within};
use super::shape::Alphabet::{Alnum, Digit, Hex, Upper, Url};
use super::shape::Piece::{Run, Text};

pub(crate) const DETECTORS: &[Detector] = &[
    secret(
        "atlassian-token",
        "API token of Atlassian",
        "prefix, length",
        "Atlassian, Manage API tokens for your account",
        &[token(
            "ATATT3",
            &[
                Text("ATATT3"),
                Run(Url, 150, 220),
                Text("="),
                Run(Hex, 8, 8),
            ],
        )],
    ),
    secret(
        "discord-token",
        "Bot token and webhook of Discord",
        "three parts, or the address of a webhook",
        "Discord, Developer documentation, Authentication",
        &[
            token(
                "discord.com/api/webhooks/",
                &[
                    Text("discord.com/api/webhooks/"),
                    Run(Digit, 17, 20),
                    Text("/"),
                    Run(Url, 60, 72),
                ],
            ),
            token(
                "discordapp.com/api/webhooks/",
                &[
                    Text("discordapp.com/api/webhooks/"),
                    Run(Digit, 17, 20),
                    Text("/"),
                    Run(Url, 60, 72),
                ],
            ),
            within(
                ".G",
                (24, 26),
                &[
                    Run(Alnum, 24, 26),
                    Text("."),
                    Run(Url, 6, 6),
                    Text("."),
                    Run(Url, 27, 38),
                ],
            ),
            within(
                ".X",
                (24, 26),
                &[
                    Run(Alnum, 24, 26),
                    Text("."),
                    Run(Url, 6, 6),
                    Text("."),
                    Run(Url, 27, 38),
                ],
            ),
            within(
                ".Y",
                (24, 26),
                &[
                    Run(Alnum, 24, 26),
                    Text("."),
                    Run(Url, 6, 6),
                    Text("."),
                    Run(Url, 27, 38),
                ],
            ),
        ],
    ),
    secret(
        "figma-token",
        "Access token of Figma",
        "prefix, length",
        "Figma, REST API, Authentication",
        &[token("figd_", &[Text("figd_"), Run(Url, 40, 44)])],
    ),
    secret(
        "linear-key",
        "API key of Linear",
        "prefix, length",
        "Linear, API and webhooks",
        &[token("lin_api_", &[Text("lin_api_"), Run(Alnum, 40, 40)])],
    ),
    secret(
        "notion-token",
        "Integration token of Notion",
        "prefix, length",
        "Notion, Authorization",
        &[
            token("ntn_", &[Text("ntn_"), Run(Alnum, 43, 50)]),
            token("secret_", &[Text("secret_"), Run(Alnum, 43, 43)]),
        ],
    ),
    secret(
        "slack-token",
        "Token of Slack",
        "prefix, parts",
        "Slack, Token types",
        &[
            token(
                "xoxb-",
                &[
                    Text("xoxb-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Alnum, 24, 24),
                ],
            ),
            token(
                "xoxp-",
                &[
                    Text("xoxp-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Hex, 32, 32),
                ],
            ),
            token(
                "xapp-",
                &[
                    Text("xapp-"),
                    Run(Digit, 1, 1),
                    Text("-"),
                    Run(Upper, 9, 12),
                    Text("-"),
                    Run(Digit, 10, 13),
                    Text("-"),
                    Run(Hex, 64, 64),
                ],
            ),
        ],
    ),
    secret(
        "slack-webhook",
        "Address of an incoming webhook of Slack",
        "host, three parts",
        "Slack, Incoming webhooks",
        &[token(
            "hooks.slack.com/services/",
            &[
                Text("hooks.slack.com/services/"),
                Run(Upper, 9, 12),
                Text("/"),
                Run(Upper, 9, 12),
                Text("/"),
                Run(Alnum, 24, 24),
            ],
        )],
    ),
    secret(
        "telegram-token",
        "Bot token of Telegram",
        "number of the bot, mark, length",
        "Telegram, Bot API, Authorizing your bot",
        &[within(
            ":AA",
            (8, 10),
            &[Run(Digit, 8, 10), Text(":AA"), Run(Url, 33, 33)],
        )],
    ),
    secret(
        "mailgun-key",
        "API key of Mailgun",
        "prefix and length, or a word before three parts",
        "Mailgun, API authentication",
        &[token("key-", &[Text("key-"), Run(Hex, 32, 32)])],
    ),
];
