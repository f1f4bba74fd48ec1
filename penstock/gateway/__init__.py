"""HTTP in front of the API function: API Gateway's HTTP API with payload format 2.0.

``gateway.py`` serves; ``routes.py`` finds the route, ``signature.py`` authorizes by Signature Version 4,
``event.py`` makes the event, ``response.py`` makes the HTTP response of what it returned.
"""
