"""What happens at infinity, for given data: an infimum that no point attains, and traps.

The certificates are ``not-attained-data`` and ``trap`` (sections 19 and 8 of ``docs/mathematics.md``); what is in this
package proposes them, and nothing here is trusted.
"""
