//! Services: models, messages, payments, monitoring, work.

use super::{Rule, UUID, rule};
use crate::charset::Part::{Run, Text};
use crate::charset::{Charset, exactly};

const URL64: Charset = Charset::URL64;
const ALNUM: Charset = Charset::ALNUM;
const HEX: Charset = Charset::HEX;
const DIGIT: Charset = Charset::DIGIT;
const CAPITAL: Charset = Charset::CAPITAL;
const SLACK: Charset = ALNUM.plus(b"-.%");
/// What stands in the path of an address.
const PATH: Charset = URL64.plus(b"/.%~@");

pub(super) const RULES: &[Rule] = &[
    // === models ===
    rule("openai-key", &["T3BlbkFJ"], &[Run(URL64, 16, 160)]).head(&[Text("sk-"), Run(URL64, 16, 160)]),
    rule("openai-key", &["T3BlbkFJ"], &[Run(URL64, 16, 160)]).head(&[Run(URL64, 19, 170)]),
    rule("openai-key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], &[Run(URL64, 40, 200)])
        .entropy(35),
    rule("anthropic-key", &["sk-ant-"], &[Run(URL64, 40, 160)]).entropy(35),
    rule("openrouter-key", &["sk-or-v1-"], &[exactly(HEX, 64)]),
    rule("model-api-key", &["sk-"], &[Run(ALNUM, 32, 64)]).entropy(33).likely(),
    rule("langsmith-key", &["lsv2_pt_", "lsv2_sk_"], &[Run(Charset::WORD, 36, 50)]),
    rule("groq-key", &["gsk_"], &[Run(ALNUM, 48, 56)]),
    rule("xai-key", &["xai-"], &[Run(ALNUM, 70, 90)]),
    rule("perplexity-key", &["pplx-"], &[Run(ALNUM, 40, 56)]),
    rule("replicate-token", &["r8_"], &[exactly(ALNUM, 37)]),
    rule("huggingface-token", &["hf_", "api_org_"], &[Run(ALNUM, 34, 40)]).entropy(33),
    rule("nvidia-key", &["nvapi-"], &[Run(URL64, 60, 72)]),
    rule("tavily-key", &["tvly-"], &[Run(URL64, 28, 48)]),
    rule("langfuse-key", &["sk-lf-"], UUID),
    rule("fireworks-key", &["fw_"], &[Run(ALNUM, 22, 28)]).entropy(38),
    rule("cerebras-key", &["csk-"], &[Run(ALNUM, 40, 56)]),
    rule("anyscale-key", &["esecret_"], &[Run(ALNUM, 24, 64)]),
    rule("voyage-key", &["pa-"], &[exactly(URL64, 43)]).entropy(43),
    rule("jina-key", &["jina_"], &[Run(URL64, 50, 72)]),
    rule("firecrawl-key", &["fc-"], &[exactly(HEX, 32)]),
    rule("elevenlabs-key", &["sk_"], &[exactly(HEX, 48)]),
    rule("runpod-key", &["rpa_"], &[Run(ALNUM, 36, 52)]),
    // === messages ===
    rule(
        "slack-token",
        &[
            "xoxb-",
            "xoxp-",
            "xoxa-",
            "xoxr-",
            "xoxs-",
            "xoxo-",
            "xoxe-",
            "xoxe.xoxb-",
            "xoxe.xoxp-",
            "xoxc-",
            "xoxd-",
            "xapp-",
        ],
        &[Run(SLACK, 20, 400)],
    ),
    rule(
        "slack-webhook",
        &["hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"],
        &[Run(PATH, 30, 120)],
    ),
    rule(
        "discord-webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        &[Run(DIGIT, 15, 21), Text("/"), Run(URL64, 50, 80)],
    ),
    rule("teams-webhook", &["webhook.office.com/webhookb2/"], &[Run(PATH, 80, 260)]).edge(Charset::of(b"")),
    rule(
        "zapier-webhook",
        &["hooks.zapier.com/hooks/catch/"],
        &[Run(DIGIT, 5, 9), Text("/"), Run(ALNUM, 6, 12)],
    ),
    rule("telegram-bot-token", &[":A"], &[exactly(URL64, 34)]).head(&[Run(DIGIT, 8, 11)]).entropy(38),
    rule("twilio-key", &["SK"], &[exactly(HEX, 32)]).likely(),
    rule("sendgrid-key", &["SG."], &[Run(URL64, 16, 32), Text("."), Run(URL64, 32, 64)]),
    rule("mailgun-key", &["key-"], &[exactly(Charset::SMALL, 32)]).entropy(31).edge(URL64),
    rule("mailchimp-key", &["-us"], &[Run(DIGIT, 1, 2)]).head(&[exactly(HEX, 32)]),
    rule("brevo-key", &["xkeysib-", "xsmtpsib-"], &[exactly(HEX, 64), Text("-"), exactly(ALNUM, 16)]),
    rule("firebase-messaging-key", &[":APA91b"], &[Run(URL64, 120, 180)]).head(&[Run(URL64, 8, 30)]),
    rule("resend-key", &["re_"], &[exactly(ALNUM, 8), Text("_"), exactly(ALNUM, 24)]),
    // === payments and shops ===
    rule("stripe-key", &["sk_live_", "rk_live_", "sk_prod_", "rk_prod_"], &[Run(ALNUM, 16, 250)]),
    rule("stripe-test-key", &["sk_test_", "rk_test_"], &[Run(ALNUM, 16, 250)]).entropy(35).likely(),
    rule("stripe-webhook-secret", &["whsec_"], &[Run(ALNUM.plus(b"+/="), 24, 80)]),
    rule("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_"], &[exactly(HEX, 32)]),
    rule("square-token", &["sq0atp-", "sq0csp-"], &[Run(URL64, 22, 64)]),
    rule("square-access-token", &["EAAA"], &[exactly(URL64, 60)]).entropy(40),
    rule(
        "paypal-token",
        &["access_token$production$"],
        &[exactly(Charset::SMALL, 16), Text("$"), exactly(HEX, 32)],
    ),
    rule("razorpay-key", &["rzp_live_"], &[Run(ALNUM, 14, 24)]),
    rule("shippo-token", &["shippo_live_", "shippo_test_"], &[exactly(HEX, 40)]),
    rule("easypost-key", &["EZAK", "EZTK"], &[exactly(ALNUM, 54)]),
    rule("duffel-token", &["duffel_live_", "duffel_test_"], &[Run(URL64, 40, 48)]),
    rule("flutterwave-key", &["FLWSECK-", "FLWSECK_TEST-"], &[Run(ALNUM, 12, 40)]),
    // === monitoring ===
    rule("newrelic-key", &["NRAK-", "NRII-", "NRIQ-", "NRRA-"], &[Run(URL64, 26, 44)]),
    rule("newrelic-license", &["NRAL"], &[]).head(&[Run(HEX, 34, 38)]),
    rule("sentry-org-token", &["sntrys_"], &[Run(URL64.plus(b"=+/"), 40, 400)]),
    rule("sentry-token", &["sntryu_", "sntrya_"], &[exactly(HEX, 64)]),
    rule("grafana-token", &["glsa_"], &[exactly(ALNUM, 32), Text("_"), exactly(HEX, 8)]),
    rule("grafana-cloud-token", &["glc_"], &[Run(URL64.plus(b"=+/"), 32, 400)]),
    rule("grafana-key", &["eyJrIjoi"], &[Run(URL64.plus(b"=+/"), 60, 400)]),
    rule(
        "dynatrace-token",
        &["dt0c01.", "dt0s01."],
        &[exactly(CAPITAL, 24), Text("."), exactly(CAPITAL, 64)],
    ),
    rule("pagerduty-key", &["u+", "y+"], &[exactly(URL64, 18)])
        .near(&["pagerduty", "pd_", "pager"])
        .edge(Charset::BASE64),
    rule("honeycomb-key", &["hcaik_", "hcalk_"], &[Run(Charset::WORD, 40, 70)]),
    rule("posthog-key", &["phx_"], &[Run(ALNUM, 40, 60)]),
    // === work ===
    rule("linear-key", &["lin_api_", "lin_oauth_", "lin_wh_"], &[Run(ALNUM, 32, 64)]),
    rule("notion-token", &["ntn_"], &[Run(ALNUM, 40, 50)]),
    rule("notion-secret", &["secret_"], &[exactly(ALNUM, 43)]).entropy(40),
    rule("figma-token", &["figd_", "figu_", "figo_"], &[Run(URL64, 36, 56)]),
    rule("postman-key", &["PMAK-"], &[exactly(HEX, 24), Text("-"), exactly(HEX, 34)]),
    rule("airtable-token", &["pat"], &[exactly(ALNUM, 14), Text("."), exactly(HEX, 64)]),
    rule("hubspot-token", &["pat-na1-", "pat-na2-", "pat-eu1-", "pat-ap1-"], UUID),
    rule("typeform-token", &["tfp_"], &[Run(URL64.plus(b".="), 40, 64)]),
    rule("klaviyo-key", &["pk_"], &[exactly(HEX, 34)]),
    rule("mapbox-secret", &["sk.eyJ"], &[Run(URL64, 40, 140), Text("."), Run(URL64, 20, 30)]),
    rule("dropbox-token", &["sl."], &[Run(URL64, 100, 1500)]).entropy(40),
    rule("facebook-token", &["EAA"], &[Run(ALNUM, 90, 400)]).entropy(40),
    rule("salesforce-session", &["00D"], &[Run(ALNUM, 12, 15), Text("!"), Run(ALNUM.plus(b"._"), 80, 130)]),
    rule("dbt-token", &["dbtc_", "dbtu_"], &[Run(URL64, 32, 60)]),
    rule("mongodb-atlas-secret", &["mdb_sa_sk_"], &[Run(URL64, 32, 60)]),
    rule("okta-token", &["SSWS "], &[Run(URL64, 40, 44)]),
    rule("twitch-token", &["oauth:"], &[exactly(Charset::SMALL, 30)]).entropy(33),
];
