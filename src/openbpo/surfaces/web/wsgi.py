"""What a server of pages calls."""

from django.core.wsgi import get_wsgi_application

from openbpo.surfaces.web.starting import start

start()
application = get_wsgi_application()
