# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that say where a PiKVM is and how to log in."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the PiKVM. V(https://) is assumed if there is no scheme; a path prefix is kept.
      - If not set, the environment variable E(PIKVM_URL) is used.
    type: str
    required: true
  username:
    description:
      - Name of the user on the PiKVM.
      - If not set, the environment variable E(PIKVM_USERNAME) is used.
    type: str
    default: admin
  password:
    description:
      - Password of the user. Leave it out if authentication is switched off on the PiKVM.
      - It is sent in the headers of each request, never as HTTP Basic authentication, and only after the server's
        certificate has been checked.
      - If not set, the environment variable E(PIKVM_PASSWORD) is used.
    type: str
  totp_secret:
    description:
      - Secret of the second factor in base32, as C(kvmd-totp) shows it. Needs the Python library C(pyotp).
      - Each request carries a fresh code. A code in its last second is waited out.
      - If not set, the environment variable E(PIKVM_TOTP_SECRET) is used.
    type: str
  auth_token:
    description:
      - An open session of the PiKVM, used in place of O(password) and O(totp_secret).
      - If not set, the environment variable E(PIKVM_AUTH_TOKEN) is used.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the PiKVM must be valid and bear its name.
      - The certificate that a PiKVM is delivered with can never pass this check. Pin it with O(tls_fingerprint)
        rather than switching the check off.
      - If not set, the environment variable E(PIKVM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - File or directory with the certificates of authorities to trust, in place of the system's.
      - If not set, the environment variable E(PIKVM_CA_PATH) is used.
    type: path
  tls_fingerprint:
    description:
      - SHA-256 fingerprint of the certificate of the PiKVM, 64 hexadecimal digits with or without colons.
      - Exactly this certificate is accepted, whatever its name, date and issuer. It is checked before anything is sent.
      - If not set, the environment variable E(PIKVM_TLS_FINGERPRINT) is used.
    type: str
  timeout:
    description:
      - Seconds to wait for a connection, and for each piece of an answer.
      - If not set, the environment variable E(PIKVM_TIMEOUT) is used.
    type: float
    default: 10.0
  retries:
    description:
      - How often a read is tried again, and a connection that could not be made.
      - A write that was sent is never repeated blindly. If its answer is lost, the state is read to see what became
        of it.
      - If not set, the environment variable E(PIKVM_RETRIES) is used.
    type: int
    default: 3
notes:
  - An option of the connection that a task leaves out is taken from the host's variable of that name with C(pikvm_) in
    front, such as C(pikvm_url). The environment comes after that.
  - Where the PiKVM has refused something, the result of the failed task has C(error) with C(status), C(name) and
    C(message), its own words.
requirements:
  - requests
  - pyotp (with O(totp_secret))
"""
