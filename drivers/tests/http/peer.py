"""The other side of the HTTP tests: httpbin (passwords, tokens, redirections, errors), Authlib (tokens that end) and a plug.

    peer.py PORT VERSION [CERTIFICATE KEY]

VERSION is HTTP/1.0 (a connection for each request) or HTTP/1.1.
"""

import os
import sys
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from flask import Response, jsonify, redirect, request
from httpbin import app
from werkzeug.serving import WSGIRequestHandler, run_simple

state = {"ison": False, "asked": 0, "turns": 0, "power": 12.5}
tokens = {}
counts = {"issued": 0, "refused": 0}


@app.route("/device")
def device():
    state["asked"] += 1
    return jsonify(state)


@app.route("/relay", methods=["GET", "POST"])
def relay():
    turn = request.args.get("turn") or (request.get_json(silent=True) or {}).get("turn")
    if turn not in ("on", "off"):
        return jsonify(error="bad request")
    state["ison"] = turn == "on"
    state["turns"] += 1
    return jsonify(ison=state["ison"])


@app.route("/level")
def level():
    state["power"] = float(request.args["to"])
    return jsonify(ok=True)


@app.route("/huge")
def huge():
    return Response(b"[" + b"1," * 5_000_000 + b"1]", mimetype="application/json")


@app.route("/loop")
def loop():
    return redirect("/loop")


@app.route("/elsewhere")
def elsewhere():
    return redirect("http://192.0.2.1:81/login?secret=1")


@app.route("/moved")
def moved():
    return redirect("/device", 307)


@app.route("/short")
def short():
    return Response((part for part in (b'{"power": 1',)), headers={"Content-Length": "100"})


@app.route("/slow")
def slow():
    time.sleep(2)
    return jsonify(power=1)


@app.route("/chunks")
def chunks():
    return Response((part for part in (b'{"pow', b'er": 7', b"}")), mimetype="application/json")


class Client(ClientMixin):
    client_id = "ballast"

    def get_client_id(self):
        return self.client_id

    def check_client_secret(self, secret):
        return secret == "se cret:+%"

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_grant_type(self, grant):
        return grant == "client_credentials"

    def get_allowed_scope(self, scope):
        return scope


class Grant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]


class Token:
    def __init__(self, fields):
        self.ends = time.time() + fields["expires_in"]
        self.scope = fields.get("scope", "")

    def is_expired(self):
        return time.time() > self.ends

    def is_revoked(self):
        return False

    def get_scope(self):
        return self.scope


class Validator(BearerTokenValidator):
    def authenticate_token(self, text):
        return tokens.get(text)


def save_token(fields, _request):
    counts["issued"] += 1
    tokens[fields["access_token"]] = Token(fields)


app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 3}
server = AuthorizationServer(app, query_client=lambda name: Client() if name == "ballast" else None, save_token=save_token)
server.register_grant(Grant)
protected = ResourceProtector()
protected.register_token_validator(Validator())


@app.route("/oauth/token", methods=["POST"])
def token():
    return server.create_token_response()


@app.route("/oauth/data")
@protected("meter")
def data():
    return jsonify(counts)


@app.after_request
def count(response):
    if request.path == "/oauth/data" and response.status_code == 401:
        counts["refused"] += 1
    return response


WSGIRequestHandler.protocol_version = sys.argv[2]
run_simple(
    "127.0.0.1", int(sys.argv[1]), app, threaded=True, ssl_context=tuple(sys.argv[3:5]) if len(sys.argv) > 3 else None
)
