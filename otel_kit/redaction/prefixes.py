"""
Token prefixes as data: who issues what, and how the rest of such a token is written.

This table decides how many unknown tokens are found: add a row when an issuer publishes a
new prefix. Knows nothing of how rows are searched.

A row's `body` is a pattern of RE2's syntax that follows the literal prefix. It may ask for
fewer characters than the issuer writes today, never for more. Where a token surely holds sixteen
letters or digits in a row, `run` is true and clean text is never searched for the prefix; else it
is, in texts with sixteen letters, digits, `_`, `-`, `.` or `~` in a row, which each token must have.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CHECKED_ON", "PREFIXES", "SOURCES", "Prefix"]

CHECKED_ON = "2026-11-21"
"""The day on which the rows were last compared with their sources."""

SOURCES = {
    "issuer": "the issuer's own documentation of the format",
    "gitleaks": "github.com/gitleaks/gitleaks config/gitleaks.toml of 2026-07-22",
    "trufflehog": "github.com/trufflesecurity/trufflehog pkg/detectors of 2026-08-21",
    "noseyparker": "github.com/praetorian-inc/noseyparker builtin rules of 2026-02-21",
}
"""What a row's `source` stands for, with the date of the copy read."""


class Prefix(NamedTuple):
    """
    One kind of token.
    """

    issuer: str
    literal: str
    body: str
    run: bool
    source: str
    alone: bool = False
    """Whether `_` or `-` before the prefix rules it out: for prefixes that are words."""
    before: str = ""
    """What a token has before the literal, where that isn't its start; masked with it when there."""


_ALNUM = "[A-Za-z0-9]{16,}"
_HEX = "[A-Fa-f0-9]{16,}"
_URL = "[A-Za-z0-9_-]{16,}"
_LONG = "[A-Za-z0-9_-]{20,}"
_DISCORD = "(?:v[0-9]{1,2}/)?webhooks/[0-9]{16,20}/[A-Za-z0-9_-]{16,}"
_TEAMS = "[A-Za-z0-9@-]{8,}/IncomingWebhook/[a-f0-9]{32}(?:/[A-Za-z0-9-]+)?"

PREFIXES: tuple[Prefix, ...] = (
    Prefix("1Password", "ops_eyJ", "[A-Za-z0-9]{9,}[A-Za-z0-9+/]*={0,2}", False, "gitleaks"),
    Prefix("1Password", "A3-", "[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}", False, "gitleaks"),
    Prefix("Adobe", "p8e-", _ALNUM, True, "gitleaks"),
    Prefix("age", "AGE-SECRET-KEY-1", "[A-Z0-9]{16,}", True, "gitleaks"),
    Prefix("Airtable", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{32,}", True, "gitleaks", True),
    Prefix("Alibaba Cloud", "LTAI", _ALNUM, True, "gitleaks"),
    Prefix("Amazon Web Services", "AKIA", "[A-Z0-9]{16}", True, "gitleaks"),
    Prefix("Amazon Web Services", "ASIA", "[A-Z0-9]{16}", True, "gitleaks"),
    Prefix("Amazon Web Services", "ABIA", "[A-Z0-9]{16}", True, "gitleaks"),
    Prefix("Amazon Web Services", "ACCA", "[A-Z0-9]{16}", True, "gitleaks"),
    Prefix("Amazon Web Services", "A3T", "[A-Z0-9]{17}", True, "gitleaks"),
    Prefix("Amazon Bedrock", "ABSKQmVkcm9ja0FQSUtleS", "[A-Za-z0-9+/]{16,}={0,2}", True, "gitleaks"),
    Prefix("Apify", "apify_api_", "[A-Za-z0-9-]{30,}", False, "trufflehog"),
    Prefix("Asana", "1/", "[0-9]{16}:[a-f0-9]{32}", True, "issuer"),
    Prefix("Asana", "2/", "[0-9]{16}/[0-9]{16}:[a-f0-9]{32}", True, "issuer"),
    Prefix("Atlassian", "ATATT3", "[A-Za-z0-9_-]{20,}(?:=[A-Za-z0-9]*)?", False, "noseyparker"),
    Prefix("Atlassian", "ATCTT3", "[A-Za-z0-9_-]{10,}[A-Za-z0-9_=+/-]*", False, "trufflehog"),
    Prefix("Atlassian Bitbucket", "BBDC-", "[A-Za-z0-9_-]{11,}[A-Za-z0-9+/@_-]*", False, "trufflehog"),
    Prefix("Atlassian Bitbucket", "ATBB", "[A-Za-z0-9]{28,}", True, "issuer"),
    Prefix("Buildkite", "bkua_", "[a-z0-9]{40}", True, "trufflehog"),
    Prefix("CircleCI", "CCIPAT_", "[A-Za-z0-9]{22}_[A-Fa-f0-9]{40}", True, "trufflehog"),
    Prefix("ClickHouse Cloud", "4b1d", "[A-Za-z0-9]{38}", True, "gitleaks", True),
    Prefix("Clojars", "CLOJARS_", "[A-Za-z0-9]{60}", True, "gitleaks"),
    Prefix("Cloudflare", "v1.0-", "[a-f0-9]{24}-[a-f0-9]{16,}", True, "gitleaks"),
    Prefix("Contentful", "CFPAT-", "[A-Za-z0-9_-]{32,}", False, "trufflehog"),
    Prefix("Databricks", "dapi", "[a-f0-9]{32}(?:-[0-9])?", True, "gitleaks", True),
    Prefix("Databricks", "dose", "[a-f0-9]{32}", True, "issuer", True),
    Prefix("DigitalOcean", "dop_v1_", "[a-f0-9]{32,}", True, "gitleaks"),
    Prefix("DigitalOcean", "doo_v1_", "[a-f0-9]{32,}", True, "gitleaks"),
    Prefix("DigitalOcean", "dor_v1_", "[a-f0-9]{32,}", True, "gitleaks"),
    Prefix("Discord", "discord.com/api/", _DISCORD, True, "trufflehog"),
    Prefix("Discord", "discordapp.com/api/", _DISCORD, True, "trufflehog"),
    Prefix("Docker Hub", "dckr_pat_", _LONG, False, "trufflehog"),
    Prefix("Docker Hub", "dckr_oat_", _LONG, False, "trufflehog"),
    Prefix("Doppler", "dp.ct.", "[A-Za-z0-9]{32,}", True, "trufflehog"),
    Prefix("Doppler", "dp.pt.", "[A-Za-z0-9]{32,}", True, "gitleaks"),
    Prefix("Doppler", "dp.sa.", "[A-Za-z0-9]{32,}", True, "trufflehog"),
    Prefix("Doppler", "dp.st.", r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{32,}", True, "trufflehog"),
    Prefix("Doppler", "dp.scim.", "[A-Za-z0-9]{32,}", True, "trufflehog"),
    Prefix("Doppler", "dp.audit.", "[A-Za-z0-9]{32,}", True, "trufflehog"),
    Prefix("Duffel", "duffel_test_", "[A-Za-z0-9_-]{16,}[A-Za-z0-9_=-]*", False, "gitleaks"),
    Prefix("Duffel", "duffel_live_", "[A-Za-z0-9_-]{16,}[A-Za-z0-9_=-]*", False, "gitleaks"),
    Prefix("Dynatrace", "dt0c01.", r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{32,}", True, "gitleaks"),
    Prefix("Dynatrace", "dt0s01.", r"[A-Za-z0-9]{8,}\.[A-Za-z0-9]{32,}", True, "issuer"),
    Prefix("Dynatrace", "dt0s16.", r"[A-Za-z0-9-]{8,}\.[A-Za-z0-9]{32,}", True, "issuer"),
    Prefix("EasyPost", "EZAK", "[A-Za-z0-9]{54}", True, "gitleaks"),
    Prefix("EasyPost", "EZTK", "[A-Za-z0-9]{54}", True, "gitleaks"),
    Prefix("Facebook", "EAAM", "[A-Za-z0-9]{64,}", True, "gitleaks"),
    Prefix("Facebook", "EAAC", "[A-Za-z0-9]{64,}", True, "gitleaks"),
    Prefix("Figma", "figd_", _LONG, False, "issuer"),
    Prefix("Flutterwave", "FLWSECK", "(?:_TEST)?-[A-Za-z0-9]{32}-X", True, "gitleaks"),
    Prefix("Fly.io", "fo1_", "[A-Za-z0-9_-]{32,}", False, "gitleaks"),
    Prefix("Fly.io", "fm1a_", "[A-Za-z0-9]{12,}[A-Za-z0-9+/]{40,}={0,2}", False, "gitleaks"),
    Prefix("Fly.io", "fm1r_", "[A-Za-z0-9]{12,}[A-Za-z0-9+/]{40,}={0,2}", False, "gitleaks"),
    Prefix("Fly.io", "fm2_", "[A-Za-z0-9]{12,}[A-Za-z0-9+/]{40,}={0,2}", False, "gitleaks"),
    Prefix("Frame.io", "fio-u-", "[A-Za-z0-9_-]{16,}[A-Za-z0-9_=-]*", False, "gitleaks"),
    Prefix("GitHub", "ghp_", _ALNUM, True, "gitleaks"),
    Prefix("GitHub", "gho_", _ALNUM, True, "gitleaks"),
    Prefix("GitHub", "ghu_", _ALNUM, True, "gitleaks"),
    Prefix("GitHub", "ghs_", "[A-Za-z0-9][A-Za-z0-9_.-]{15,}", False, "gitleaks"),
    Prefix("GitHub", "ghr_", _ALNUM, True, "gitleaks"),
    Prefix("GitHub", "github_pat_", "[A-Za-z0-9_]{20,}", False, "gitleaks"),
    Prefix("GitLab", "glpat-", r"[A-Za-z0-9_-]{16,}(?:\.[a-z0-9]{2,}){0,3}", False, "gitleaks"),
    Prefix("GitLab", "gldt-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glft-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glrt-", r"[A-Za-z0-9_-]{16,}(?:\.[a-z0-9]{2,}){0,3}", False, "gitleaks"),
    Prefix("GitLab", "glcbt-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glptt-", _HEX, True, "gitleaks"),
    Prefix("GitLab", "glimt-", _URL, False, "gitleaks"),
    Prefix("GitLab", "gloas-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glsoat-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glffct-", _URL, False, "gitleaks"),
    Prefix("GitLab", "glagent-", _URL, False, "gitleaks"),
    Prefix("GitLab", "GR1348941", _URL, False, "gitleaks"),
    Prefix("Google", "AIza", "[A-Za-z0-9_-]{35}", False, "gitleaks"),
    Prefix("Google", "ya29.", _LONG, False, "issuer"),
    Prefix("Google", "1//0", "[A-Za-z0-9_-]{32,}", False, "issuer"),
    Prefix("Google", "GOCSPX-", _LONG, False, "issuer"),
    Prefix("Grafana", "glc_", "[A-Za-z0-9]{12,}[A-Za-z0-9+/]{20,}={0,2}", False, "gitleaks"),
    Prefix("Grafana", "glsa_", "[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", True, "gitleaks"),
    Prefix("Groq", "gsk_", "[A-Za-z0-9]{40,}", True, "trufflehog"),
    Prefix("Harness", "pat.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}", True, "gitleaks"),
    Prefix(
        "HashiCorp Terraform",
        ".atlasv1.",
        "[A-Za-z0-9_-]{16,}[A-Za-z0-9_=-]*",
        False,
        "gitleaks",
        before="[A-Za-z0-9]{14}",
    ),
    Prefix("HashiCorp Vault", "hvs.", _LONG, False, "gitleaks"),
    Prefix("HashiCorp Vault", "hvb.", _LONG, False, "gitleaks"),
    Prefix("HashiCorp Vault", "hvr.", _LONG, False, "issuer"),
    Prefix("Heroku", "HRKU-", "[A-Za-z0-9_-]{36,}", False, "gitleaks"),
    Prefix("HubSpot", "pat-na", "[0-9]-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}", False, "trufflehog"),
    Prefix("HubSpot", "pat-eu", "[0-9]-[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}", False, "trufflehog"),
    Prefix("Hugging Face", "hf_", "[A-Za-z0-9]{30,}", True, "gitleaks"),
    Prefix("Hugging Face", "api_org_", "[A-Za-z0-9]{30,}", True, "gitleaks"),
    Prefix("Infracost", "ico-", "[A-Za-z0-9]{32}", True, "gitleaks", True),
    Prefix("JFrog Artifactory", "AKCp", "[A-Za-z0-9]{60,}", True, "gitleaks"),
    Prefix("JFrog Artifactory", "cmVmd", "[A-Za-z0-9]{59}", True, "gitleaks"),
    Prefix("LangSmith", "lsv2_pt_", "[a-f0-9]{32}_[a-f0-9]{10}", True, "trufflehog"),
    Prefix("LangSmith", "lsv2_sk_", "[a-f0-9]{32}_[a-f0-9]{10}", True, "trufflehog"),
    Prefix("Linear", "lin_api_", _ALNUM, True, "gitleaks"),
    Prefix("Linear", "lin_oauth_", _ALNUM, True, "issuer"),
    Prefix("Mailgun", "key-", "[a-z0-9]{32}", True, "trufflehog", True),
    Prefix("Microsoft Teams", "webhook.office.com/webhookb2/", _TEAMS, True, "gitleaks"),
    Prefix("Netlify", "nfp_", "[A-Za-z0-9_]{30,}", False, "trufflehog"),
    Prefix("New Relic", "NRAK-", "[A-Z0-9]{27}", True, "trufflehog"),
    Prefix("New Relic", "NRJS-", "[a-f0-9]{19}", True, "issuer"),
    Prefix("Notion", "ntn_", "[A-Za-z0-9]{40,}", True, "gitleaks"),
    Prefix("Notion", "secret_", "[A-Za-z0-9]{43}", True, "trufflehog", True),
    Prefix("npm", "npm_", "[A-Za-z0-9]{30,}", True, "gitleaks"),
    Prefix("Octopus Deploy", "API-", "[A-Z0-9]{26}", True, "gitleaks", True),
    Prefix("OpenAI, Anthropic, OpenRouter, Langfuse", "sk-", "[A-Za-z0-9_-]{20,}", False, "gitleaks", True),
    Prefix("OpenShift", "sha256~", "[A-Za-z0-9_-]{43}", False, "gitleaks"),
    Prefix("Perplexity", "pplx-", "[A-Za-z0-9]{40,}", True, "gitleaks"),
    Prefix("Pinecone", "pcsk_", "[A-Za-z0-9]{5,6}_[A-Za-z0-9]{40,}", True, "trufflehog"),
    Prefix("PlanetScale", "pscale_tkn_", "[A-Za-z0-9_.-]{16,}[A-Za-z0-9_=.-]*", False, "gitleaks"),
    Prefix("PlanetScale", "pscale_oauth_", "[A-Za-z0-9_.-]{16,}[A-Za-z0-9_=.-]*", False, "gitleaks"),
    Prefix("PlanetScale", "pscale_pw_", "[A-Za-z0-9_.-]{16,}[A-Za-z0-9_=.-]*", False, "gitleaks"),
    Prefix("PostHog", "phx_", "[A-Za-z0-9_]{40,}", False, "trufflehog"),
    Prefix("Postman", "PMAK-", "[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}", True, "gitleaks"),
    Prefix("Prefect", "pnu_", "[A-Za-z0-9]{36}", True, "gitleaks"),
    Prefix("Pulumi", "pul-", "[a-f0-9]{40}", True, "gitleaks"),
    Prefix("PyPI", "pypi-AgE", _URL, False, "gitleaks"),
    Prefix("Razorpay", "rzp_live_", "[A-Za-z0-9]{14,}", False, "trufflehog"),
    Prefix("ReadMe", "rdme_", "[a-z0-9]{60,}", True, "gitleaks"),
    Prefix("Replicate", "r8_", "[A-Za-z0-9_-]{37}", False, "trufflehog"),
    Prefix("RubyGems", "rubygems_", "[a-f0-9]{32,}", True, "gitleaks"),
    Prefix("Scalingo", "tk-us-", "[A-Za-z0-9_-]{40,}", False, "gitleaks"),
    Prefix("SendGrid", "SG.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", False, "gitleaks"),
    Prefix("Brevo", "xkeysib-", "[a-f0-9]{32,}(?:-[A-Za-z0-9]{16})?", True, "gitleaks"),
    Prefix("Sentry", "sntrys_eyJ", "[A-Za-z0-9]{6,}[A-Za-z0-9+/=_]{10,}", False, "gitleaks"),
    Prefix("Sentry", "sntryu_", "[a-f0-9]{32,}", True, "gitleaks"),
    Prefix("Shippo", "shippo_live_", "[A-Fa-f0-9]{40}", True, "gitleaks"),
    Prefix("Shippo", "shippo_test_", "[A-Fa-f0-9]{40}", True, "gitleaks"),
    Prefix("Shopify", "shpat_", _HEX, True, "gitleaks"),
    Prefix("Shopify", "shpca_", _HEX, True, "gitleaks"),
    Prefix("Shopify", "shppa_", _HEX, True, "gitleaks"),
    Prefix("Shopify", "shpss_", _HEX, True, "gitleaks"),
    Prefix("Slack", "xox", r"[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{12,}", False, "gitleaks"),
    Prefix("Slack", "xapp-", "[0-9]-[A-Za-z0-9-]{16,}", False, "gitleaks"),
    Prefix("Slack", "hooks.slack.com/", "[a-z]{8,9}/(?:[A-Za-z0-9]+/){2,3}[A-Za-z0-9]{16,}", True, "gitleaks"),
    Prefix("Sourcegraph", "sgp_", "(?:(?:[A-Fa-f0-9]{16}|local)_)?[A-Fa-f0-9]{40}", True, "gitleaks"),
    Prefix("Square", "EAAA", "[A-Za-z0-9_-]{24,}[A-Za-z0-9_+=-]{20,}", False, "trufflehog"),
    Prefix("Square", "sq0atp-", _LONG, False, "noseyparker"),
    Prefix("Square", "sq0csp-", _LONG, False, "noseyparker"),
    Prefix("Stripe", "sk_live_", "[A-Za-z0-9]{10,}", False, "gitleaks"),
    Prefix("Stripe", "sk_test_", "[A-Za-z0-9]{10,}", False, "gitleaks"),
    Prefix("Stripe", "rk_live_", "[A-Za-z0-9]{10,}", False, "gitleaks"),
    Prefix("Stripe", "rk_test_", "[A-Za-z0-9]{10,}", False, "gitleaks"),
    Prefix("Stripe, Svix", "whsec_", "[A-Za-z0-9+/=_-]{16,}", False, "issuer"),
    Prefix("Supabase", "sbp_", "(?:v[0-9]_)?[a-z0-9]{40}", True, "trufflehog"),
    Prefix("Supabase", "sb_secret_", _LONG, False, "issuer"),
    Prefix("Tailscale", "tskey-", "[a-z]{2,12}-[A-Za-z0-9_-]{16,}", False, "trufflehog"),
    Prefix("Telegram", ":AA", "[A-Za-z0-9_-]{32,}", False, "noseyparker", before="[0-9]{6,12}"),
    Prefix("Twilio", "SK", "[A-Fa-f0-9]{32}", True, "trufflehog", True),
    Prefix("Segment", "sgp_", "[A-Za-z0-9]{64}", True, "issuer"),
    Prefix("Typeform", "tfp_", "[A-Za-z0-9_]{40,}", False, "trufflehog"),
    Prefix("xAI", "xai-", "[A-Za-z0-9_]{60,}", False, "trufflehog"),
)
