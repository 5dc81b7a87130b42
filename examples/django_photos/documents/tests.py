"""The permission to download a document."""

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import TestCase, override_settings
from django.urls import reverse

from documents.models import Document
from xaccel.testing import assert_offloaded


@override_settings(XACCEL={**settings.XACCEL, "SERVER": "nginx"})
class DocumentTests(TestCase):
    def setUp(self):
        self.owner = User.objects.create_user("owner")
        self.document = Document(owner=self.owner)
        self.document.file.save("contract.pdf", ContentFile(b"%PDF"))
        self.addCleanup(self.document.file.delete, save=False)
        self.url = reverse("document", args=[self.document.pk])

    def test_the_server_sends_it_to_its_owner(self):
        self.client.force_login(self.owner)
        assert_offloaded(self.client.get(self.url), self.document.file.path)

    def test_another_user_does_not_get_it(self):
        self.client.force_login(User.objects.create_user("visitor"))
        self.assertEqual(self.client.get(self.url).status_code, 403)

    def test_a_visitor_has_to_log_in(self):
        self.assertRedirects(self.client.get(self.url), f"{reverse('login')}?next={self.url}")
