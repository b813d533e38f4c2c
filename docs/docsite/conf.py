# Copyright (c) 2026, community.pikvm contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How `make docs` turns what antsibull-docs writes into a site.

Names of options are Sphinx's: https://www.sphinx-doc.org/en/master/usage/configuration.html
"""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "community.pikvm"
project_copyright = "2026, community.pikvm contributors"
html_title = "Ansible collection community.pikvm"
html_short_title = project

extensions = ["sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_static_path = ["static"]
html_css_files = ["narrow.css"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
nitpicky = True

# Places in Ansible's own documentation. Intersphinx would fetch all of them, and the site is built without a network.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
PLACES = {
    "ANSIBLE_HOME": f"{ANSIBLE}/reference_appendices/config.html#envvar-ANSIBLE_HOME",
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


def resolve(_app: Sphinx, _env: BuildEnvironment, node: pending_xref, words: nodes.TextElement) -> nodes.Node | None:
    """A link to a place that is not in this site."""
    address = PLACES.get(node["reftarget"])
    return nodes.reference("", "", words, internal=False, refuri=address) if address else None


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", resolve)
