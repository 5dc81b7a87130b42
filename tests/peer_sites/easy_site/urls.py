from django.urls import path
from gallery.views import page

urlpatterns = [path("", page)]
