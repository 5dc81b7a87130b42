"""The pages of the photos."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import CreateView, DetailView, ListView

from photos.models import Photo


class PhotoList(ListView):
    model = Photo


class PhotoDetail(DetailView):
    model = Photo


class AddPhoto(LoginRequiredMixin, CreateView):
    model = Photo
    fields = ["title", "credit", "image"]
