"""The documents of the user. The view decides who may see a file, and nginx sends it."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import get_object_or_404
from django.urls import reverse_lazy
from django.views.generic import CreateView

from documents.models import Document
from xaccel.django import PrivateFileView


class Documents(LoginRequiredMixin, CreateView):
    """The list of the user's documents, with a form for another one."""

    model = Document
    fields = ["file"]
    success_url = reverse_lazy("documents")

    def form_valid(self, form):
        form.instance.owner = self.request.user
        return super().form_valid(form)

    def get_context_data(self, **kwargs):
        documents = self.request.user.documents.all()
        return super().get_context_data(documents=documents, **kwargs)


class DocumentFile(LoginRequiredMixin, PrivateFileView):
    as_attachment = True

    def get_path(self):
        self.document = get_object_or_404(Document, pk=self.kwargs["pk"])
        return self.document.file

    def can_access_file(self, path):
        return self.document.owner == self.request.user
