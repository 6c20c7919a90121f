#include <string.h>

#include "common/base/array.h"
#include "src/providers/oauth_table.h"
#include "src/providers/provider_url.h"
#include "src/providers/sandbox_credentials.h"

struct cfg_oauth cfg_oauth;

#define CLIENT(provider) clients[provider].id
#define SECRET(provider) clients[provider].secret

static const struct cfg_key keys[] = {
    {"BOX_PUBLIC_URL", CFG_STR, offsetof(struct cfg_oauth, public_url), "", NULL, 8, 200, 0,
     "Where browsers reach the site, no slash at the end; providers send people back there."},
    {"BOX_OAUTH_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_oauth, timeout_ms), "ms", "5000", 100, 30000, 0,
     "Longest call to a provider of social logins."},
    {"BOX_KAKAO_CLIENT_ID", CFG_STR, offsetof(struct cfg_oauth, CLIENT(OAUTH_KAKAO)), "", NULL, 1, 200, 0,
     "REST API key of the Kakao application, which has OpenID Connect on; empty = no Kakao login."},
    {"BOX_KAKAO_CLIENT_SECRET", CFG_STR, offsetof(struct cfg_oauth, SECRET(OAUTH_KAKAO)), "", NULL, 8, 200,
     CFG_SECRET | CFG_OPTIONAL, "Client secret of the Kakao application."},
    {"BOX_NAVER_CLIENT_ID", CFG_STR, offsetof(struct cfg_oauth, CLIENT(OAUTH_NAVER)), "", NULL, 1, 200, 0,
     "Client ID of the Naver application; empty = no Naver login."},
    {"BOX_NAVER_CLIENT_SECRET", CFG_STR, offsetof(struct cfg_oauth, SECRET(OAUTH_NAVER)), "", NULL, 8, 200,
     CFG_SECRET | CFG_OPTIONAL, "Client secret of the Naver application."},
    {"BOX_GOOGLE_CLIENT_ID", CFG_STR, offsetof(struct cfg_oauth, CLIENT(OAUTH_GOOGLE)), "", NULL, 1, 200, 0,
     "Client ID of the Google application; empty = no Google login."},
    {"BOX_GOOGLE_CLIENT_SECRET", CFG_STR, offsetof(struct cfg_oauth, SECRET(OAUTH_GOOGLE)), "", NULL, 8, 200,
     CFG_SECRET | CFG_OPTIONAL, "Client secret of the Google application."},
    {"BOX_KAKAO_URL", CFG_STR, offsetof(struct cfg_oauth, kakao_url), "", "https://kauth.kakao.com", 8, 200, 0,
     "Where browsers are sent for Kakao's login; the issuer of its id_tokens."},
    {"BOX_KAKAO_TOKEN_URL", CFG_STR, offsetof(struct cfg_oauth, kakao_token_url), "", "https://kauth.kakao.com", 8, 200,
     0, "Base address of Kakao's tokens and of the keys of its id_tokens."},
    {"BOX_NAVER_URL", CFG_STR, offsetof(struct cfg_oauth, naver_url), "", "https://nid.naver.com", 8, 200, 0,
     "Where browsers are sent for Naver's login."},
    {"BOX_NAVER_TOKEN_URL", CFG_STR, offsetof(struct cfg_oauth, naver_token_url), "", "https://nid.naver.com", 8, 200,
     0, "Base address of Naver's tokens."},
    {"BOX_NAVER_API_URL", CFG_STR, offsetof(struct cfg_oauth, naver_api_url), "", "https://openapi.naver.com", 8, 200,
     0, "Base address of Naver's profiles."},
    {"BOX_GOOGLE_URL", CFG_STR, offsetof(struct cfg_oauth, google_url), "", "https://accounts.google.com", 8, 200, 0,
     "Where browsers are sent for Google's login; the issuer of its id_tokens."},
    {"BOX_GOOGLE_TOKEN_URL", CFG_STR, offsetof(struct cfg_oauth, google_token_url), "", "https://oauth2.googleapis.com",
     8, 200, 0, "Base address of Google's tokens."},
    {"BOX_GOOGLE_KEYS_URL", CFG_STR, offsetof(struct cfg_oauth, google_keys_url), "", "https://www.googleapis.com", 8,
     200, 0, "Base address of the keys of Google's id_tokens."},
};

const struct cfg_section cfg_oauth_section = {"Social login", keys, ARRAY_COUNT(keys), &cfg_oauth};

/* ---- the table ---- */

const struct oauth_manner oauth_manners[OAUTH_PROVIDER__MAX] = {
    [OAUTH_KAKAO] = {.name = "kakao",
                     .code = "KAKAO",
                     .authorize = {&cfg_oauth.kakao_url, "/oauth/authorize"},
                     .token = {&cfg_oauth.kakao_token_url, "/oauth/token"},
                     .keys = {&cfg_oauth.kakao_token_url, "/.well-known/jwks.json"},
                     .scope = "openid",
                     .pkce = true,
                     .unknown_code = {"invalid_grant"}},
    [OAUTH_NAVER] = {.name = "naver",
                     .code = "NAVER",
                     .authorize = {&cfg_oauth.naver_url, "/oauth2.0/authorize"},
                     .token = {&cfg_oauth.naver_token_url, "/oauth2.0/token"},
                     .profile = {&cfg_oauth.naver_api_url, "/v1/nid/me"},
                     .state_at_token = true,
                     .unknown_code = {"invalid_request", "invalid_grant"}},
    [OAUTH_GOOGLE] = {.name = "google",
                      .code = "GOOGLE",
                      .authorize = {&cfg_oauth.google_url, "/o/oauth2/v2/auth"},
                      .token = {&cfg_oauth.google_token_url, "/token"},
                      .keys = {&cfg_oauth.google_keys_url, "/oauth2/v3/certs"},
                      .scope = "openid email profile",
                      .pkce = true,
                      .bare_issuer = true,
                      .unknown_code = {"invalid_grant"}},
};

bool oauth_provider_find(const char *name, enum oauth_provider *provider_r)
{
    for (int i = 0; i < OAUTH_PROVIDER__MAX; i++) {
        if (strcmp(oauth_manners[i].name, name) == 0) {
            *provider_r = (enum oauth_provider)i;
            return true;
        }
    }
    return false;
}

const char *oauth_provider_code(enum oauth_provider provider)
{
    return oauth_manners[provider].code;
}

bool oauth_on(enum oauth_provider provider)
{
    return cfg_oauth.clients[provider].id != NULL;
}

/* ---- checks ---- */

static bool client_complete(const struct oauth_client *client, const char **why_r)
{
    if ((client->id == NULL) != (client->secret == NULL)) {
        *why_r = "a social login needs both its client id and its client secret (BOX_KAKAO_CLIENT_ID, "
                 "BOX_KAKAO_CLIENT_SECRET and the like)";
        return false;
    }
    if (client->id && !cfg_process.sandbox && strcmp(client->id, SANDBOX_OAUTH_CLIENT) == 0) {
        *why_r = "the client id of a social login must not be the sandbox's while BOX_SANDBOX is not 1";
        return false;
    }
    if (client->id && !cfg_oauth.public_url) {
        *why_r = "BOX_PUBLIC_URL is not set: social logins send people back there";
        return false;
    }
    return true;
}

bool oauth_check_settings(const char **why_r)
{
    const struct {
        const char *setting, *url;
    } addresses[] = {
        {"BOX_PUBLIC_URL", cfg_oauth.public_url},
        {"BOX_KAKAO_URL", cfg_oauth.kakao_url},
        {"BOX_KAKAO_TOKEN_URL", cfg_oauth.kakao_token_url},
        {"BOX_NAVER_TOKEN_URL", cfg_oauth.naver_token_url},
        {"BOX_NAVER_URL", cfg_oauth.naver_url},
        {"BOX_NAVER_API_URL", cfg_oauth.naver_api_url},
        {"BOX_GOOGLE_URL", cfg_oauth.google_url},
        {"BOX_GOOGLE_TOKEN_URL", cfg_oauth.google_token_url},
        {"BOX_GOOGLE_KEYS_URL", cfg_oauth.google_keys_url},
    };
    bool on = false;
    for (int i = 0; i < OAUTH_PROVIDER__MAX; i++) {
        if (!client_complete(&cfg_oauth.clients[i], why_r)) {
            return false;
        }
        on |= oauth_on((enum oauth_provider)i);
    }
    for (size_t i = on ? 0 : 1; i < ARRAY_COUNT(addresses); i++) {
        if (addresses[i].url && !provider_url_allowed(addresses[i].setting, addresses[i].url, why_r)) {
            return false;
        }
    }
    return true;
}
